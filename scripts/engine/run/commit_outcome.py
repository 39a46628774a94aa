"""The outcome of a run that was ended by the server or the network, not by a statement."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Literal

from scripts.engine import disclosure
from scripts.engine.ledger.table import Ledger
from scripts.engine.observer import Direction
from scripts.engine.session import database, signals
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.step import Step
from scripts.errors import Interrupted, MigrationError, ServerError

_PAUSE = 0.1
"""Seconds between two checks of a transaction that is in progress."""
_PATIENCE = 60.0
"""Seconds that a commit whose client has gone may take before its outcome counts as unknown."""


def ended(error: psycopg2.Error, what: str, state: str, where: str = "") -> MigrationError:
    """Return the error of a run that the server or the network has ended.

    Args:
        error: the driver's.
        what: what failed: the reason is the server's message, unless the connection was lost.
        state: the state of the database.
        where: the file that was running.
    """
    said = disclosure.of_error(error)
    if signals.received():
        return Interrupted(signals.received(), where=where, detail=said, state=state)
    headline, _, more = said.partition("\n")
    reason, detail = (what, said) if is_lost(error) else (headline, f"{what}\n{more}".strip())
    return ServerError(
        reason,
        where=where,
        detail=detail,
        state=state,
        hint="run the command again: it continues from there",
    )


def between_statements(error: psycopg2.Error, filename: str | None, state: str) -> MigrationError:
    """Return the error for a failure outside the statements of files.

    Args:
        error: the driver's.
        filename: the file at hand.
        state: the state of the database.
    """
    reason = "the connection was lost" if is_lost(error) else "a statement of the run itself failed"
    return ended(error, reason, state, filename or "")


def is_lost(error: psycopg2.Error) -> bool:
    """Tell whether the connection was ended, by the server or the network."""
    return error.diag.message_primary is None or (error.pgcode or "").startswith(("57P", "08"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A failed commit of a step that had been recorded."""

    connection: RunConnection
    ledger: Ledger
    transaction: int
    """The number of its transaction, as `txid_status` takes it."""
    step: Step
    before: str
    """The version before the step."""
    reached: str
    """The version that it leads to."""
    undone: str
    """The state if it was not committed."""

    def settle(self, error: psycopg2.Error) -> None:
        """Find out its outcome.

        Args:
            error: what the commit failed with.

        Raises:
            MigrationError: unless it was committed after all.
        """
        name = self.connection.settings.name
        if not is_lost(error):
            raise ended(error, "the commit failed", self.undone, self.step.place) from error
        what = self._what
        committed = self._was_committed()
        if committed is None:
            state = (
                f"unknown: {name} is at {self.before} or {self.reached}; "
                "`python scripts/status.py` shows which"
            )
            raise ended(error, what, state) from error
        if not committed:
            raise ended(
                error, f"{what}; the ledger shows that it was not committed", self.undone
            ) from error
        self.connection.notify(f"{what}; the ledger shows that it was committed")

    def cut_short(self, error: psycopg2.Error) -> MigrationError:
        """Return the error for a run that has more to do, but no connection."""
        name = self.connection.settings.name
        state = f"committed, according to the ledger; {name} is at {self.reached}"
        return ended(error, self._what, state)

    @property
    def _what(self) -> str:
        return f"the connection was lost while {self.step.filename} was being committed"

    def _was_committed(self) -> bool | None:
        """Look it up; None if it cannot be found out."""
        try:
            with closing(self.connection.another()) as connection:
                if not _is_over(connection, self.transaction):
                    return None
                connection.set_session(autocommit=False)
                database.begin(connection, self.connection.settings)
                query = SQL("SELECT 1 FROM {} WHERE version = {}").format(
                    self.ledger.name, Literal(self.step.version)
                )
                has_row = database.execute(connection, query.as_string(connection)) is not None
                return has_row is (self.step.direction is Direction.UP)
        except (psycopg2.Error, MigrationError):
            return None


def _is_over(connection: Connection, transaction: int) -> bool:
    """Wait for the server to end the transaction; it may still work for a client that is gone.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    connection.set_session(autocommit=True)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            try:
                cursor.execute("SELECT txid_status(%s)", (transaction,))
            except psycopg2.Error as error:
                if error.pgcode is None:
                    raise
                return True  # a server that took over does not know the number: it never got there
            if (cursor.fetchone() or (None,))[0] != "in progress":
                return True
        time.sleep(_PAUSE)
    return False
