"""Sends one statement of a file, and explains what the server refuses."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2

from scripts.engine import disclosure
from scripts.engine.session import signals
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.database import Execute
from scripts.errors import Interrupted, StatementError
from scripts.sqltext.statements import Statement

# https://www.postgresql.org/docs/current/errcodes-appendix.html
LOCK_TIMEOUT = "55P03"
HintOf = Callable[[str, Statement], str]
"""Takes an SQLSTATE and the statement; returns the way out, "" where none is known."""


def _no_hint(sqlstate: str, statement: Statement) -> str:  # noqa: ARG001 - as `HintOf` has it
    return ""


def run_statement(  # noqa: PLR0913 - each is a fact of its own
    execute: Execute,
    statement: Statement,
    place: str,
    ran: int,
    blockers: Blockers | None,
    hint_of: HintOf = _no_hint,
) -> None:
    """Run one statement.

    Args:
        execute: what takes the SQL, byte for byte.
        statement: what to run.
        place: where the SQL stands, as an error names it.
        ran: how many statements of the section have been run before.
        blockers: knows who was in the way.
        hint_of: gives the way out.

    Raises:
        StatementError: when the server refuses it.
        Interrupted: when a signal had it cancelled, or came before it.
    """
    if blockers:
        blockers.statement(statement, ran)
    if signals.received():
        raise Interrupted(signals.received(), ran=ran)
    try:
        execute(statement.text)
    except psycopg2.Error as error:
        if blockers and error.pgcode == LOCK_TIMEOUT:
            blockers.timed_out()
        hint = hint_of(error.pgcode or "", statement)
        ours = refused(statement, error, place, ran, blockers, hint)
        if signals.received():
            raise Interrupted(
                signals.received(), where=ours.where, detail=ours.what, ran=ran
            ) from error
        raise ours from error


def refused(  # noqa: PLR0913 - each is a fact of its own
    statement: Statement,
    error: psycopg2.Error,
    place: str,
    ran: int,
    blockers: Blockers | None,
    hint: str = "",
) -> StatementError:
    """Return the error of a statement that the server refused, or was lost with.

    Args:
        statement: which one.
        error: the driver's.
        place: where the SQL stands, as an error names it.
        ran: how many statements of the section have been run before.
        blockers: knows who was in the way.
        hint: the way out.
    """
    position = error.diag.statement_position
    line = statement.line_at(int(position) - 1) if position else statement.line
    # Without a message of the server's it is libpq that speaks: the connection is gone.
    by_server = error.diag.message_primary is not None
    refusal = disclosure.of_refusal(error, statement, blockers.described() if blockers else "")
    return StatementError(
        refusal.headline if by_server else "the connection was lost",
        place=place,
        line=line,
        source=refusal.source,
        detail=refusal.detail if by_server else f"{refusal.headline}\n{refusal.detail}".strip(),
        ran=ran,
        sqlstate=error.pgcode or "",
        lost=not by_server,
        hint=hint,
    )
