"""Messages beside the server's answers: `already exists, skipping`, RAISE NOTICE, WARNING.

It is shown with the statement that it came from. Nothing is decided by its text, which the server
may have translated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.sqltext.statements import Statement


@contextmanager
def reported(
    connection: Connection,
    statements: Sequence[Statement],
    place: str,
    notify: Callable[[str], None],
) -> Iterator[None]:
    """Report what the server says while a `with` block runs statements, even if they fail.

    psycopg2 keeps the last 50 notices in a list, and all of them in any other container:
    https://www.psycopg.org/docs/connection.html#connection.notices.

    Args:
        connection: where the statement runs.
        statements: what runs, in one message.
        place: where its SQL stands.
        notify: is told each notice, with file and line.
    """
    heard: deque[str] = deque()
    before = _exchange(connection, heard)
    try:
        yield
    finally:
        for text in heard:
            said = disclosure.of_notice(text, "".join(one.sql for one in statements))
            notify(f"{place}:{_lines(statements)}: {said}")
        _exchange(connection, before)  # whoever gave the connection reads it as a list


def _lines(statements: Sequence[Statement]) -> str:
    first, last = statements[0].line, statements[-1].line
    return f"{first}" if first == last else f"{first}-{last}"


def _exchange(connection: Connection, notices: Any) -> Any:
    """Let psycopg2 append notices elsewhere; it has no other way than its attribute."""
    before = connection.notices
    connection.notices = notices
    return before
