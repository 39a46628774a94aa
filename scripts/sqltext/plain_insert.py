"""INSERTs of literal values, recognised as a whole: files of reference data have thousands."""

from __future__ import annotations

import functools
import re

LONGEST = 256 * 1024
"""Characters: beyond that an INSERT is one of its own."""
_NAME = r'(?:[A-Za-z_][A-Za-z0-9_$]*+|"(?:[^"]++|"")++")'
_VALUE = r"(?:'(?:[^'\\]++|'')*+'|[-+]?[0-9][0-9.]*+(?:[eE][-+]?[0-9]++)?|NULL|TRUE|FALSE|DEFAULT)"
# Lists are not possessive: Python 3.11.2 mishandles such groups where what follows fails; see the
# lexer. Each element is unambiguous, so that little is tried again.
_ROW = rf"\(\s*+{_VALUE}(?:\s*+,\s*+{_VALUE})*\s*+\)"
_COLUMNS = rf"\(\s*+{_NAME}(?:\s*+,\s*+{_NAME})*\s*+\)"
_HEAD = rf"INSERT\s++INTO\s++(?P<table>{_NAME}(?:\s*+\.\s*+{_NAME}){{0,2}})"
_NAMES = re.compile(_NAME)
_CONFLICT = re.compile(r"\bNOTHING\s*;$", re.IGNORECASE)


@functools.cache
def pattern() -> re.Pattern[str]:
    """Return what a plain INSERT looks like, with its semicolon; its group `table` is the name.

    No comment, no cast, no function, no backslash: nothing that could do more than to add these
    rows, and nothing that the lexer would read in another way.
    """
    return re.compile(
        rf"{_HEAD}\s*+(?:{_COLUMNS}\s*+)?VALUES\s*+{_ROW}(?:\s*+,\s*+{_ROW})*"
        rf"(?:\s*+ON\s++CONFLICT\s*+(?:{_COLUMNS}\s*+)?DO\s++NOTHING)?\s*+;",
        re.IGNORECASE | re.ASCII,
    )


def table(text: str, start: int) -> str:
    """Return the table of the plain INSERT that begins there, as it is written."""
    found = _head().match(text, start)
    if found is None:
        raise AssertionError(f"no INSERT at {start}")
    return found["table"]


def words(text: str, table: str) -> tuple[str, ...]:
    """Return the words of a plain INSERT outside parentheses and quotes, in capitals.

    Args:
        text: the statement, or its last characters.
        table: as it is written.
    """
    ending = ("ON", "CONFLICT", "DO", "NOTHING") if _CONFLICT.search(text) else ()
    return ("INSERT", "INTO", *_unquoted(table), "VALUES", *ending)


@functools.cache
def _head() -> re.Pattern[str]:
    return re.compile(_HEAD, re.IGNORECASE | re.ASCII)


@functools.lru_cache(maxsize=64)
def _unquoted(table: str) -> tuple[str, ...]:
    return tuple(name.upper() for name in _NAMES.findall(table) if not name.startswith('"'))
