"""Runs the statements of a section, one by one, on a connection or into a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.settings import Limits
from scripts.errors import StatementError
from scripts.files.header import Header
from scripts.files.migration_file import Section
from scripts.files.statements import Statement

Execute = Callable[[str], int]
"""Takes one piece of SQL: sends it to the server, or writes it out.

Returns how many rows it touched, -1 where that makes no sense or nobody can know.
"""


def run(execute: Execute, section: Section, place: str) -> None:
    """Run a section's statements one by one.

    Args:
        execute: what takes the SQL, byte for byte.
        section: the statements.
        place: where the SQL stands, as an error names it.

    Raises:
        StatementError: when the server refuses a statement.
    """
    for ran, statement in enumerate(section.statements):
        try:
            execute(statement.text)
        except psycopg2.Error as error:
            raise _refused(statement, error, place, ran) from error


@contextmanager
def timeouts(execute: Execute, header: Header, limits: Limits) -> Iterator[None]:
    """Set the timeouts for a `with` block: for the transaction, or for the session and back.

    SET LOCAL ends with the transaction, so nothing stays behind on a pooled connection. Without a
    transaction only the header's count: `CREATE INDEX CONCURRENTLY` has to wait for old
    transactions to end, blocks nobody by it, and leaves an invalid index when it is cut short.
    """
    wanted = {
        "lock_timeout": (header.lock_timeout_ms, limits.lock_timeout_ms),
        "statement_timeout": (header.statement_timeout_ms, limits.statement_timeout_ms),
    }
    chosen = {
        name: default if own is None else own
        for name, (own, default) in wanted.items()
        if header.transactional or own is not None
    }
    scope = "LOCAL" if header.transactional else "SESSION"
    if chosen:
        execute(" ".join(f"SET {scope} {name} = {value};" for name, value in chosen.items()))
    try:
        yield
    finally:
        if not header.transactional:
            for name in chosen:
                execute(f"RESET {name};")


def sender(connection: Connection) -> Execute:
    """Return what sends SQL to the server as it stands.

    psycopg2 takes `%` for a placeholder only when it is given parameters, and it is given none.
    """

    def execute(text: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.rowcount

    return execute


def writer(write: Callable[[str], None]) -> Execute:
    """Return what writes SQL into a script for psql, each piece ended by a semicolon.

    Args:
        write: takes a piece of the script; adds the line breaks that part it from the next.
    """

    def execute(text: str) -> int:
        body = text.strip()
        if not body.endswith(";"):
            # After a comment at its end a semicolon would be part of that.
            body += "\n;" if "--" in body.rpartition("\n")[2] else ";"
        write(body)
        return -1

    return execute


def _refused(statement: Statement, error: psycopg2.Error, place: str, ran: int) -> StatementError:
    diagnostics = error.diag
    line = statement.line
    if diagnostics.statement_position:
        line = statement.line_at(int(diagnostics.statement_position) - 1)
    message = diagnostics.message_primary or str(error).strip()
    lines = [
        f"{message} [{error.pgcode}]" if error.pgcode else message,
        f"detail: {diagnostics.message_detail}" if diagnostics.message_detail else "",
        f"hint: {diagnostics.message_hint}" if diagnostics.message_hint else "",
        f"context: {diagnostics.context}" if diagnostics.context else "",
        f"statement: {statement.summary()}",
    ]
    return StatementError(
        "PostgreSQL refused a statement",
        where=f"{place}:{line}",
        detail="\n".join(line for line in lines if line),
        ran=ran,
        sqlstate=error.pgcode or "",
    )
