"""Sends statements one by one, to the server or into a script, and explains what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.engine.session import signals
from scripts.engine.session.blockers import Blockers
from scripts.errors import Interrupted, StatementError
from scripts.sqltext.statements import Statement

Execute = Callable[[str], tuple[Any, ...] | None]
"""Takes one piece of SQL: sends it to the server, or writes it out.

Returns the first row of what it gave, None where there is none or nobody can know.
"""


def run_statement(
    execute: Execute, statement: Statement, place: str, ran: int, blockers: Blockers | None = None
) -> None:
    """Run one statement.

    Args:
        execute: what takes the SQL, byte for byte.
        statement: what to run.
        place: where the SQL stands, as an error names it.
        ran: how many statements of the section have been run before.
        blockers: knows who was in the way.

    Raises:
        StatementError: when the server refuses it.
        Interrupted: when a signal had it cancelled, or came before it.
    """
    if blockers:
        blockers.statement()
    try:
        signals.check()
        execute(statement.text)
    except Interrupted as interrupted:
        interrupted.ran = ran
        raise
    except psycopg2.Error as error:
        refused = _refused(statement, error, place, ran, blockers)
        if signals.received():
            raise Interrupted(
                signals.received(), where=refused.where, detail=refused.detail, ran=ran
            ) from error
        raise refused from error


def sender(connection: Connection) -> Execute:
    """Return what sends SQL to the server as it stands.

    psycopg2 takes `%` for a placeholder only when it is given parameters, and it is given none.
    """

    def execute(text: str) -> tuple[Any, ...] | None:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchone() if cursor.description else None

    return execute


def writer(write: Callable[[str], None]) -> Execute:
    """Return what writes SQL into a script for psql, each piece ended by a semicolon.

    Args:
        write: takes a piece of the script; adds the line breaks that part it from the next.
    """

    def execute(text: str) -> None:
        body = text.strip()
        if not body.endswith(";"):
            # After a comment at its end a semicolon would be part of that.
            body += "\n;" if "--" in body.rpartition("\n")[2] else ";"
        write(body)

    return execute


def _refused(
    statement: Statement,
    error: psycopg2.Error,
    place: str,
    ran: int,
    blockers: Blockers | None,
) -> StatementError:
    position = error.diag.statement_position
    line = statement.line_at(int(position) - 1) if position else statement.line
    # Without a message of the server's it is libpq that speaks: the connection is gone.
    by_server = error.diag.message_primary is not None
    seen = blockers.described() if blockers else ""
    return StatementError(
        "PostgreSQL refused a statement" if by_server else "the connection was lost",
        place=place,
        line=line,
        detail=disclosure.of_error(error, seen, sql=statement.sql),
        ran=ran,
        sqlstate=error.pgcode or "",
        lost=not by_server,
    )
