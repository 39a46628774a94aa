"""The outcome of a run that was ended by the server or the network, not by a statement."""

from __future__ import annotations

import time
from contextlib import closing
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Literal

from scripts.engine import boundary
from scripts.engine.ledger.table import Ledger
from scripts.engine.reported import Direction
from scripts.engine.session import database
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.step import Step
from scripts.errors import MigrationError

_PAUSE = 0.1
"""Seconds between two checks of a transaction that is in progress."""
_PATIENCE = 60.0
"""Seconds that a commit whose client has gone may take before its outcome counts as unknown."""


class Commit(NamedTuple):
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

    @property
    def moves_row(self) -> bool:
        """Tell whether the commit shows in the ledger; undoing a half-applied file does not."""
        return self.before != self.reached

    def settle(self, error: psycopg2.Error) -> None:
        """Find out its outcome.

        Args:
            error: what the commit failed with.

        Raises:
            MigrationError: unless it was committed after all.
        """
        name = self.connection.settings.name
        if not boundary.is_lost(error):
            where = self.step.place
            raise boundary.ended(
                error, self.undone, what="the commit failed", where=where
            ) from error
        what = self._what
        committed = self._was_committed()
        if committed is None:
            state = (
                f"unknown: {name} is at {self.before} or {self.reached}; "
                "`python scripts/status.py` shows which"
            )
            raise boundary.ended(error, state, what=what) from error
        if not committed:
            what = f"{what}; the ledger shows that it was not committed"
            raise boundary.ended(error, self.undone, what=what) from error
        self.connection.notify(f"{what}; the ledger shows that it was committed")

    def cut_short(self, error: psycopg2.Error) -> MigrationError:
        """Return the error for a run that has more to do, but no connection."""
        name = self.connection.settings.name
        state = f"committed, according to the ledger; {name} is at {self.reached}"
        return boundary.ended(error, state, what=self._what)

    @property
    def _what(self) -> str:
        return f"the connection was lost while {self.step.filename} was being committed"

    def _was_committed(self) -> bool | None:
        """Look it up; None if it cannot be found out."""
        try:
            with closing(self.connection.another()) as connection:
                status = _final_status(connection, self.transaction)
                if status == "in progress":
                    return None
                if not self.moves_row:
                    return {"committed": True, "aborted": False}.get(status)
                # Trust the row: a server that took over may have reused the transaction's number.
                connection.set_session(autocommit=False)
                database.begin(connection, self.connection.settings)
                query = SQL("SELECT 1 FROM {} WHERE version = {}").format(
                    self.ledger.name, Literal(self.step.version)
                )
                has_row = database.execute(connection, query.as_string(connection)) is not None
                return has_row is (self.step.direction is Direction.UP)
        except (psycopg2.Error, MigrationError):
            return None


def _final_status(connection: Connection, transaction: int) -> str:
    """Wait for the server to end the transaction; it may still work for a client that is gone.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT

    Returns:
        "committed", "aborted", "in progress" after a minute, or "" if the number is unknown.
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
                return ""
            status = str((cursor.fetchone() or (None,))[0] or "")
            if status != "in progress":
                return status
        time.sleep(_PAUSE)
    return "in progress"
