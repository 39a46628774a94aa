"""The connection of a run: Alembic's, or the one that an embedding program gave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection as RawConnection  # noqa: N812 - it is a class
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from scripts.engine import status
from scripts.engine.execution.statement import Execute, sender
from scripts.engine.ledger import lookup
from scripts.engine.ledger.table import Ledger
from scripts.engine.session import database, waiting
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import MigrationError, ServerError, UsageError
from scripts.files.history import History
from scripts.files.project import Project


@dataclass(frozen=True, kw_only=True)
class RunConnection:
    """A connection with its transactions, and the way to others like it."""

    project: Project
    settings: Settings
    sqlalchemy: Connection
    given: bool
    """Whether somebody else opened it, and may be in a transaction."""
    say: Notify

    @property
    def raw(self) -> RawConnection:
        """Return psycopg2's connection.

        Raises:
            UsageError: when it is another driver's.
        """
        return _raw(self.sqlalchemy)

    @property
    def execute(self) -> Execute:
        """Return what sends SQL to the server as it stands.

        When that ends the connection, SQLAlchemy has to know: it would try to roll back, and its
        error would hide the one that says what happened.
        """
        send, raw = sender(self.raw), self.raw

        def execute(text: str) -> tuple[Any, ...] | None:
            try:
                return send(text)
            except psycopg2.Error:
                if raw.closed:
                    self.sqlalchemy.invalidate()
                raise

        return execute

    def look(self, entries: History, *, with_log: bool = False) -> Status:
        """Read the state, see `state.read`; the transaction that this begins ends with it.

        Where the connection was ended while another run was waited for, a new one is opened.
        """
        raw = self.raw
        try:
            return self._read(entries, with_log=with_log)
        except (psycopg2.Error, SQLAlchemyError, MigrationError):
            if self.given or not raw.closed:
                raise
        with suppress(SQLAlchemyError):
            self.sqlalchemy.invalidate()
            self.sqlalchemy.rollback()
        return self._read(entries, with_log=with_log)

    def reread(self, ledger: Ledger) -> str:
        """Read anew which version the database is at; "" where that can't be known."""
        try:
            if not self.raw.closed:
                with self.bounded():
                    return lookup.current(self.raw, ledger)
            with closing(self.another()) as connection:
                database.begin(connection, self.settings)
                return lookup.current(connection, ledger)
        except (psycopg2.Error, SQLAlchemyError, MigrationError):
            return ""

    def require_room(self) -> None:
        """Make sure that a server is left for this connection when the second has one.

        Raises:
            ServerError: when a pooler has none.
        """
        raw = self.raw
        if self.given or raw.closed:
            return
        try:
            database.answers(raw, self.settings)
        except psycopg2.Error as error:
            if str(error).startswith(waiting.NO_ANSWER):
                self.sqlalchemy.invalidate()
                raise ServerError(
                    f"{self.settings.environment.name}: the pooler has no room for two connections",
                    detail=str(error),
                    state="nothing was changed",
                    way_out="raise its pool size, or try again when it is less busy",
                ) from error

    def _read(self, entries: History, *, with_log: bool) -> Status:
        with self.bounded():
            return status.read(self.raw, self.settings, entries, with_log=with_log)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Begin a transaction, unless there is one, whose waits for locks are bounded."""
        with self.transaction():
            database.begin(self.raw, self.settings)
            yield

    def transaction(self) -> AbstractContextManager[object]:
        """Begin a transaction, unless whoever gave the connection has done so."""
        return nullcontext() if self.sqlalchemy.in_transaction() else self.sqlalchemy.begin()

    @contextmanager
    def second(self) -> Iterator[RawConnection | None]:
        """Open another connection to the same database, made as the first one was.

        None where there can be no second: an embedder's pool has no more.
        """
        try:
            other = self.sqlalchemy.engine.raw_connection()
        except PoolTimeoutError:
            yield None
            return
        raw = other.driver_connection
        try:
            yield raw if isinstance(raw, RawConnection) and raw is not self.raw else None
        finally:
            if isinstance(raw, RawConnection) and raw.closed:
                other.invalidate()
            else:
                other.close()

    def another(self) -> RawConnection:
        """Open a connection of our own to the same database, patiently.

        Raises:
            ServerError: when there is none to be had, or only whoever gave this one knows where.
        """
        if self.given:
            raise ServerError("only whoever gave the connection knows how to open another")
        return database.connect(self.project, self.settings, self.say)

    def direct(self) -> RawConnection:
        """Open a connection past the pooler."""
        return database.connect(self.project, self.settings, self.say, direct=True)

    @property
    def has_direct(self) -> bool:
        """Tell whether there is a way past the pooler."""
        return bool(self.settings.direct_url) and not self.given


@contextmanager
def opened(
    given: Connection | Engine | None,
    project: Project,
    settings: Settings,
    say: Notify,
    *,
    bounded: bool,
) -> Iterator[RunConnection]:
    """Open the connection of a run, or take the one given, for a `with` block.

    Args:
        given: what an embedding program gave.
        project: the checkout.
        settings: whose database.
        say: is told when the server lets us wait.
        bounded: bound the waits for locks in Alembic's own transactions too. Each transaction
            begins so, and as MIGRATION_ROLE, where that is set; the steps see to it themselves.
    """
    engine = given or create_engine(
        "postgresql+psycopg2://",
        creator=lambda: database.connect(project, settings, say),
        poolclass=NullPool,
        use_native_hstore=False,
    )
    with (
        nullcontext(engine) if isinstance(engine, Connection) else engine.connect() as connection,
        _begun(connection, settings, always=bounded),
    ):
        if _raw(connection).autocommit:
            raise UsageError(
                "the connection given is in autocommit: no migration could be rolled back",
                state="nothing was changed",
                way_out='give an engine without isolation_level="AUTOCOMMIT"',
            )
        yield RunConnection(
            project=project,
            settings=settings,
            sqlalchemy=connection,
            given=given is not None,
            say=say,
        )


@contextmanager
def _begun(connection: Connection, settings: Settings, *, always: bool) -> Iterator[None]:
    if not (settings.role or always):
        yield
        return

    def begun(of: Connection) -> None:
        database.begin(_raw(of), settings)

    if connection.in_transaction():
        begun(connection)
    event.listen(connection, "begin", begun)
    try:
        yield
    finally:
        event.remove(connection, "begin", begun)


def _raw(connection: Connection) -> RawConnection:
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg2.extensions.connection):
        raise UsageError(f"the connection is one of {type(raw).__module__}, not of psycopg2")
    return raw
