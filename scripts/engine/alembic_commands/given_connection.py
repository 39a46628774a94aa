"""A connection, or an engine, of SQLAlchemy's that a program gave: `attributes["connection"]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection as RawConnection  # noqa: N812 - it is a class
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from scripts.errors import UsageError


class GivenSource:
    """Takes connections from the caller; see `session.run_connection.Source`."""

    is_own = False
    takes_back = False

    def __init__(self, given: Connection | Engine) -> None:
        """Take a connection, or one of an engine's.

        Args:
            given: what the program gave.

        Raises:
            UsageError: when it is another driver's, or in autocommit.
        """
        self._ends = not isinstance(given, Connection)
        self.connection = given if isinstance(given, Connection) else given.connect()
        self.in_caller_transaction = self.connection.in_transaction()

    def open(self) -> RawConnection:
        """Return psycopg2's connection; see `Source.open`."""
        raw = self._raw()
        if raw.autocommit:
            raise UsageError(
                "the given connection is in autocommit: no migration could be rolled back",
                state="nothing was changed",
                hint='give an engine without isolation_level="AUTOCOMMIT"',
            )
        return raw

    @contextmanager
    def second(self) -> Iterator[RawConnection | None]:
        """Give another one of the engine's; None where its pool has no more."""
        try:
            other = self.connection.engine.raw_connection()
        except PoolTimeoutError:
            yield None
            return
        raw = other.driver_connection
        try:
            yield raw if isinstance(raw, RawConnection) and raw is not self._raw() else None
        finally:
            if isinstance(raw, RawConnection) and raw.closed:
                other.invalidate()
            else:
                other.close()

    def end_step(self, connection: RawConnection) -> None:
        """Do nothing: the program commits."""

    def close(self, connection: RawConnection) -> None:
        """Tell SQLAlchemy when the connection was closed, and end what was begun here."""
        if connection.closed:
            self.connection.invalidate()
        elif not self.in_caller_transaction:
            connection.rollback()
        if self._ends:
            self.connection.close()

    def _raw(self) -> RawConnection:
        raw = self.connection.connection.driver_connection
        if not isinstance(raw, RawConnection):
            raise UsageError(f"the connection is one of {type(raw).__module__}, not of psycopg2")
        return raw
