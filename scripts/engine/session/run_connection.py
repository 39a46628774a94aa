"""The connection of a run, its transactions, and the way to others like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, Protocol

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.session import database, waiting
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.errors import ServerError


class Source(Protocol):
    """Where the connections of a run come from."""

    @property
    def is_own(self) -> bool:
        """Tell whether we open them, so that their sessions are ours alone."""

    @property
    def in_caller_transaction(self) -> bool:
        """Tell whether the caller has begun a transaction on the connection."""

    def open(self) -> Connection:
        """Return the connection for the run.

        Raises:
            ServerError: when the server cannot be reached.
        """

    def second(self) -> AbstractContextManager[Connection | None]:
        """Give another one, made alike, for a `with` block; None where there can be no second."""

    @property
    def takes_back(self) -> bool:
        """Tell whether all that is done will be undone, so that nothing of it is recorded."""

    def end_step(self, connection: Connection) -> None:
        """Do what stands for the commit of a step, where the transaction is a caller's."""

    def close(self, connection: Connection) -> None:
        """End what `open` has returned."""


class OwnSource:
    """Opens connections according to the settings."""

    is_own = True
    in_caller_transaction = False
    takes_back = False

    def __init__(self, settings: Settings, notify: Notify) -> None:
        """Open according to the settings; report when the server keeps us waiting."""
        self._settings, self._notify = settings, notify

    def open(self) -> Connection:
        """Open a connection; see `Source.open`."""
        return database.connect(self._settings, self._notify)

    @contextmanager
    def second(self) -> Iterator[Connection | None]:
        """Open another one; see `Source.second`."""
        with closing(self.open()) as connection:
            yield connection

    def end_step(self, connection: Connection) -> None:
        """Do nothing: each step is committed."""

    def close(self, connection: Connection) -> None:
        """Close it."""
        connection.close()


class RunConnection:
    """A connection with its transactions: each bounds its waits for locks, and has the role."""

    def __init__(self, settings: Settings, source: Source, notify: Notify) -> None:
        """Open the connection.

        Args:
            settings: whose database.
            source: where connections come from.
            notify: is told what is worth a line.

        Raises:
            ServerError: when the server cannot be reached.
        """
        self.settings = settings
        self.notify = notify
        self._source = source
        self.raw = source.open()

    def close(self) -> None:
        """Give the connection back; what is not committed is gone, unless it is a caller's."""
        self._source.close(self.raw)

    @property
    def is_own(self) -> bool:
        """Tell whether the session is ours alone; see `Source.is_own`."""
        return self._source.is_own

    @property
    def in_caller_transaction(self) -> bool:
        """Tell whether the transaction is a caller's, who ends it; see `Source`."""
        return self._source.in_caller_transaction

    @property
    def takes_back(self) -> bool:
        """Tell whether all that is done will be undone; see `Source.takes_back`."""
        return self._source.takes_back

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        status = self.raw.info.transaction_status
        return self.in_caller_transaction or status not in (
            TRANSACTION_STATUS_IDLE,
            TRANSACTION_STATUS_UNKNOWN,
        )

    def execute(self, text: str) -> tuple[Any, ...] | None:
        """Send SQL as it stands; see `database.execute`."""
        return database.execute(self.raw, text)

    def begin(self) -> None:
        """Begin a transaction, or go on in the open one; see `database.begin`."""
        database.begin(self.raw, self.settings, fresh=not self.in_transaction)

    def neutralize(self) -> None:
        """Set the session back again after a RESET, if it is ours; see `database.neutralize`."""
        if self.is_own:
            database.neutralize(self.raw)

    def commit(self) -> None:
        """Commit, unless the transaction is a caller's."""
        if self.in_caller_transaction:
            self._source.end_step(self.raw)
        else:
            self.raw.commit()

    def rollback(self) -> None:
        """Roll back, unless the transaction is a caller's, or gone with its connection."""
        if not self.in_caller_transaction:
            with suppress(psycopg2.Error):
                self.raw.rollback()

    def patiently(self) -> AbstractContextManager[None]:
        """Bound our own queries for a `with` block; see `database.patiently`."""
        return database.patiently(self.raw, self.settings)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Go on in the open transaction for a `with` block, or begin one that ends with it."""
        if self.in_transaction:
            self.begin()
            yield
            return
        try:
            self.begin()
            yield
        except BaseException:
            self.rollback()
            raise
        self.raw.commit()

    @contextmanager
    def autocommit(self) -> Iterator[None]:
        """Leave the transaction for a `with` block; whoever needs another one begins it."""
        self.raw.commit()
        self.raw.set_session(autocommit=True)
        try:
            yield
        finally:
            if not self.raw.closed:
                self.raw.set_session(autocommit=False)

    def second(self) -> AbstractContextManager[Connection | None]:
        """Give another connection to the same database; see `Source.second`."""
        return self._source.second()

    def another(self) -> Connection:
        """Open a connection of our own to the same database, with retries.

        Raises:
            ServerError: when none can be opened, or only whoever gave this one knows where.
        """
        if not self.is_own:
            raise ServerError("the given connection cannot be opened again")
        return self._source.open()

    def reopen(self) -> bool:
        """Open a new connection where this one has been ended; tell whether that was done."""
        if not (self.is_own and self.raw.closed):
            return False
        self.raw = self._source.open()
        return True

    @property
    def has_direct(self) -> bool:
        """Tell whether there is a way past the pooler."""
        return bool(self.settings.direct_url) and self.is_own

    def direct(self) -> Connection:
        """Open a connection past the pooler."""
        return database.connect(self.settings, self.notify, direct=True)

    def require_room(self) -> None:
        """Make sure that a server is left for this connection when the second has one.

        Raises:
            ServerError: when a pooler has none.
        """
        if not self.is_own or self.raw.closed:
            return
        try:
            database.answers(self.raw, self.settings)
        except psycopg2.Error as error:
            if str(error).startswith(waiting.NO_ANSWER):
                raise ServerError(
                    "the pooler has no room for two connections",
                    detail=str(error),
                    state="nothing was changed",
                    hint="increase its pool size, or try again when it is less busy",
                ) from error
