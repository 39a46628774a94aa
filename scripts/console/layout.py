"""SQL and lines, laid out for people."""

from __future__ import annotations

import shutil
import sys
import textwrap

from scripts.sqltext.statements import Statement

_QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE"})
_WRAP_AFTER = 70


def statement(of: Statement) -> str:
    """Return a statement for reading, without what may be secret; it is not run.

    Its writer's own line breaks stay. What is on one line is laid out by sqlparse, if it is a
    query: of DDL that makes stairs.

    Args:
        of: the statement.
    """
    from scripts.engine import disclosure

    text = disclosure.of_script(of.sql)
    if "\n" in text or of.command not in _QUERIES or len(text) <= _WRAP_AFTER:
        return textwrap.dedent(text)
    import sqlparse

    return str(sqlparse.format(text, reindent=True, wrap_after=_WRAP_AFTER))


def wrapped(text: str, hang: int = 2) -> str:
    """Break lines between words, where a terminal would break them anywhere.

    Args:
        text: lines.
        hang: how far the continuation of a line is indented, in characters.
    """
    width = shutil.get_terminal_size().columns
    return "\n".join(_broken(line, width, hang) for line in text.splitlines())


def _broken(line: str, width: int, hang: int) -> str:
    if len(line) <= width:
        return line
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def is_terminal() -> bool:
    """Tell whether people read standard output as it comes."""
    return sys.stdout.isatty()
