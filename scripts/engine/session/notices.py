"""Messages beside the server's answers: `already exists, skipping`, RAISE NOTICE, WARNING.

It is shown with the statement that it came from. Nothing is decided by its text, which the server
may have translated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.sqltext.statements import Statement


@contextmanager
def reported(
    connection: Connection, statement: Statement, place: str, notify: Callable[[str], None]
) -> Iterator[None]:
    """Report what the server says while a `with` block runs a statement, even if it fails.

    psycopg2 keeps the last 50 notices in a list, and all of them in any other container:
    https://www.psycopg.org/docs/connection.html#connection.notices.

    Args:
        connection: where the statement runs.
        statement: what runs.
        place: where its SQL stands.
        notify: is told each notice, with file and line.
    """
    heard: deque[str] = deque()
    before = _exchange(connection, heard)
    try:
        yield
    finally:
        for text in heard:
            notify(f"{place}:{statement.line}: {disclosure.of_notice(text, statement.sql)}")
        _exchange(connection, before)  # whoever gave the connection reads it as a list


def _exchange(connection: Connection, notices: Any) -> Any:
    """Let psycopg2 append notices elsewhere; it has no other way than its attribute."""
    before = connection.notices
    connection.notices = notices
    return before
