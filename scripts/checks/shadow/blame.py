"""Which statement a difference goes back to, by its names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scripts.catalog.diff import Difference
from scripts.sqltext.statements import Statement

_NAME = re.compile(r'"(?:[^"]|"")+"|[^.\s()",]+')


def line_of(difference: Difference, statements: Sequence[Statement]) -> int:
    """Return the line of the first statement that names what differs; 0 if none does.

    Args:
        difference: an object that is not as it was.
        statements: of the section that changed it.
    """
    own = last(difference.name)
    on = last(difference.parent)
    named = [one for one in statements if _names(one, own)]
    both = [one for one in named if _names(one, on)] if on else named
    table = [one for one in statements if _names(one, on)] if on else []
    return next((one.line for one in (*both, *named, *table)), 0)


def line_of_name(full: str, statements: Sequence[Statement]) -> int:
    """Return the line of the first statement that names an object such as app.users; or 0."""
    name = last(full)
    return next((one.line for one in statements if _names(one, name)), 0)


def last(name: str) -> str:
    """Return the last part of a name, without its quotes and arguments."""
    parts = _NAME.findall(name.partition("(")[0])
    return parts[-1].strip('"').replace('""', '"') if parts else ""


def _names(statement: Statement, name: str) -> bool:
    if not name:
        return False
    pattern = rf"(?<![\w]){re.escape(name)}(?![\w])"
    return re.search(pattern, statement.sql, re.IGNORECASE) is not None
