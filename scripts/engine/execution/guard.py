"""Stops a run that has lost the lock, and then finds out where the database is."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from scripts.engine.ledger import lookup
from scripts.engine.ledger.table import Ledger
from scripts.engine.session import database
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.errors import LockError, MigrationError


class Guard:
    """The lock of a run, and the way to find out where the database is without it."""

    def __init__(self, connection: RunConnection, ledger: Ledger, lock: Lock | None) -> None:
        """Guard a run.

        Args:
            connection: the run's.
            ledger: where it is written what the database has.
            lock: None where a caller's pool has no second connection to hold it: all may pass then.
        """
        self.lock = lock
        self._connection = connection
        self._ledger = ledger
        self._answer: LockError | bool = False
        """What a check has found that was made ahead; False where there was none."""

    def check(self) -> None:
        """Make sure that no other run is active.

        Raises:
            LockError: when one may be.
        """
        answer, self._answer = self._answer, False
        if isinstance(answer, LockError):
            raise answer
        if self.lock and not answer:
            self.lock.check()

    def check_ahead(self) -> None:
        """Make the next check now, while the run's own connection waits for a commit."""
        if self.lock is None:
            return
        try:
            self.lock.check()
            self._answer = True
        except LockError as error:
            self._answer = error

    def check_within(self, ran: int) -> None:
        """Make sure of it inside a file outside a transaction.

        Args:
            ran: how many of its statements have been run.

        Raises:
            LockError: when another may be active; it knows how many had been run.
        """
        try:
            self.check()
        except LockError as error:
            raise error.within(ran) from error.__cause__

    def whereabouts(self, reached: str) -> str:
        """Say where the database is: another run may have moved it since the lock was lost.

        Args:
            reached: the version that this run has reached.
        """
        name, at = self._connection.settings.name, self._reread()
        if not at:
            return f"{name} was at {reached}, but cannot be reached now"
        moved = "" if at == reached else f": another run has moved it from {reached}"
        return f"{name} is at {at}{moved}"

    def _reread(self) -> str:
        """Read again which version the database is at; "" if that is unknown."""
        if self.lock is None:
            return ""
        try:
            if not self._connection.raw.closed:
                with self._connection.transaction():
                    return lookup.current(self._connection.raw, self._ledger)
            with closing(self._connection.another()) as connection:
                database.begin(connection, self._connection.settings)
                return lookup.current(connection, self._ledger)
        except (psycopg2.Error, MigrationError):
            return ""
