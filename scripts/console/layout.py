"""SQL and lines, laid out for people."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from scripts.errors import printable

if TYPE_CHECKING:
    from scripts.sqltext.statements import Statement

_QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE"})
_WRAP_AFTER = 70
_LONGEST, _SHOWN = 5000, 300
"""Characters of a statement that is laid out, and of one that is too long for that."""


def statement(of: Statement) -> str:
    """Return a statement for reading, without what may be secret; it is not run.

    Its writer's own line breaks stay. What is on one line is laid out by sqlparse, if it is a
    query: of DDL that makes stairs.

    Args:
        of: the statement.
    """
    import textwrap

    from scripts.engine import disclosure

    if len(of.sql) > _LONGEST:
        return printable(disclosure.of_statement(of.sql, _SHOWN))
    text = disclosure.of_script(of.sql)
    if "\n" not in text and of.command in _QUERIES and len(text) > _WRAP_AFTER:
        import sqlparse
        from sqlparse.exceptions import SQLParseError

        # What is nested too deeply stays as it is.
        with suppress(SQLParseError):
            text = str(sqlparse.format(text, reindent=True, wrap_after=_WRAP_AFTER))
    return "\n".join(printable(line) for line in textwrap.dedent(text).splitlines())


def wrapped(text: str, hang: int = 2) -> str:
    """Break lines between words, where a terminal would break them anywhere.

    Args:
        text: lines.
        hang: how far the continuation of a line is indented, in characters.
    """
    import shutil

    width = shutil.get_terminal_size().columns
    return "\n".join(_broken(line, width, hang) for line in text.splitlines())


def _broken(line: str, width: int, hang: int) -> str:
    if len(line) <= width:
        return line
    import textwrap

    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def cut(text: str) -> str:
    """Return the first lines of a text, as many as the terminal shows."""
    import shutil

    lines, most = text.splitlines(), shutil.get_terminal_size().lines - 1
    if len(lines) <= most:
        return text
    left = len(lines) - most + 1
    return "\n".join([*lines[: most - 1], f"… {left} more lines"])


def say(text: str, hang: int = 2) -> None:
    """Print lines for people; on a terminal see `wrapped`."""
    print(wrapped(text, hang) if sys.stdout.isatty() else text, flush=True)
