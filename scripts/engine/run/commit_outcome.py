"""What came of a run that the server or the network ended, rather than a statement of a file."""

from __future__ import annotations

import time

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Literal

from scripts.engine import disclosure
from scripts.engine.ledger.table import Ledger
from scripts.engine.observer import Direction
from scripts.engine.run.steps import Run
from scripts.engine.session import database, signals
from scripts.engine.session.run_connection import RunConnection
from scripts.errors import Interrupted, MigrationError, ServerError

_PAUSE = 0.1
"""Seconds between two looks at a transaction that goes on."""
_PATIENCE = 60.0
"""Seconds that a commit whose client has gone may take before its outcome counts as unknown."""


def explain(
    error: psycopg2.Error,
    run: Run,
    transaction: int,
    opened: RunConnection,
    *,
    at_commit: bool,
) -> MigrationError | None:
    """Find out what state things are in, and return the error that says so.

    Args:
        error: what ended the run: at a commit, or between two statements of files.
        run: what was at work.
        transaction: the number of the transaction that wrote the ledger last.
        opened: the run's connection, which knows the way to another one.
        at_commit: whether it can have been a commit that failed.

    Returns:
        None when the last step was committed and nothing is left to do.
    """
    name, step = run.state.name, run.unsaid if at_commit else None
    lost = error.diag.message_primary is None or (error.pgcode or "").startswith(("57P", "08"))
    if step is None or not lost:
        run.unsaid = None
        at = run.before if step else run.current
        where = f"{run.step.filename}: " if run.step.filename else ""
        ended = "the connection was lost" if lost else "PostgreSQL refused what the run needs"
        what = f"{step.filename}: PostgreSQL refused the commit" if step else f"{where}{ended}"
        return _error(error, f"{name}: {what}", run.undone(at))
    what = f"{name}: the connection was lost while {step.filename} was being committed"
    up = step.direction is Direction.UP
    committed = _outcome(opened, run.state.ledger, transaction, step.version, up=up)
    if committed is None:
        run.unsaid = None
        return _error(
            error, what, f"unknown: {name} is at {run.before} or {run.current}; status.py tells"
        )
    if not committed:
        run.unsaid = None
        return _error(error, f"{what}; it was not, as the ledger shows", run.undone(run.before))
    run.say()
    happened = what.removeprefix(f"{name}: ")
    run.observer.notice(name, f"{happened}; the ledger shows that it was committed")
    if run.has_more:
        return _error(error, what, f"committed, as the ledger shows; {name} is at {run.current}")
    return None


def _error(error: psycopg2.Error, what: str, state: str) -> MigrationError:
    if signals.received():
        ended: MigrationError = Interrupted(signals.received(), detail=disclosure.of_error(error))
        ended.what = f"{what.partition(':')[0]}: {ended.what}"
    else:
        way_out = "run the command again: it goes on from there"
        ended = ServerError(what, detail=disclosure.of_error(error), way_out=way_out)
    ended.state = state
    return ended


def _outcome(
    opened: RunConnection, ledger: Ledger, transaction: int, version: str, *, up: bool
) -> bool | None:
    """Look up whether a transaction was committed; None when that can't be found out."""
    try:
        connection = opened.another()
        try:
            if not _is_over(connection, transaction):
                return None
            connection.autocommit = False
            database.begin(connection, opened.settings)
            with connection.cursor() as cursor:
                cursor.execute(
                    SQL("SELECT count(*) FROM {} WHERE version = {}").format(
                        ledger.name, Literal(version)
                    )
                )
                return bool((cursor.fetchone() or (0,))[0]) is up
        finally:
            connection.close()
    except (psycopg2.Error, MigrationError):
        return None


def _is_over(connection: Connection, transaction: int) -> bool:
    """Wait for the server to end the transaction: it may still be at work for a client long gone.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    connection.autocommit = True
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            try:
                cursor.execute("SELECT txid_status(%s)", (transaction,))
            except psycopg2.Error as error:
                if error.pgcode is None:
                    raise
                return True  # a server that took over does not know the number: it never came there
            if (cursor.fetchone() or (None,))[0] != "in progress":
                return True
        time.sleep(_PAUSE)
    return False
