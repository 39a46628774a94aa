"""INSERTs of literal values: many of them may be sent in one message."""

from __future__ import annotations

import functools
import re

from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement

_NAME = r'(?:[A-Za-z_][\w$]*+|"(?:[^"]++|"")++")'
_VALUE = r"(?:'(?:[^'\\]++|'')*+'|[-+]?[0-9][0-9.]*+(?:[eE][-+]?[0-9]++)?|NULL|TRUE|FALSE|DEFAULT)"
_ROW = rf"\(\s*+{_VALUE}(?:\s*+,\s*+{_VALUE})*+\s*+\)"
_COLUMNS = rf"\(\s*+{_NAME}(?:\s*+,\s*+{_NAME})*+\s*+\)"


@functools.cache
def _pattern() -> re.Pattern[str]:
    # Compiled where a file has an INSERT. No comment, no cast, no function: nothing that could do
    # more than to add these rows.
    return re.compile(
        rf"INSERT\s++INTO\s++(?P<table>{_NAME}(?:\s*+\.\s*+{_NAME}){{0,2}}+)\s*+(?:{_COLUMNS}\s*+)?+"
        rf"VALUES\s*+{_ROW}(?:\s*+,\s*+{_ROW})*+"
        rf"(?:\s*+ON\s++CONFLICT\s*+(?:{_COLUMNS}\s*+)?+DO\s++NOTHING)?+\s*+;",
        re.IGNORECASE,
    )


def table(statement: Statement) -> tuple[str, ...] | None:
    """Return the table that a plain INSERT is for, in the parts of its name; None for any other."""
    if statement.command != "INSERT" or not statement.ended:
        return None
    found = _pattern().fullmatch(statement.text, statement.body)
    return Reader(found["table"]).name() if found else None
