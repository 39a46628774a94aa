"""One run at a time: an advisory lock, held by an open transaction on a connection of its own.

The run commits after each migration, so its own transactions can't hold the lock, and a session's
lock would stay behind on a server that a pooler hands to the next client. The holder is idle in a
READ COMMITTED transaction, which `CREATE INDEX CONCURRENTLY` does not wait for. Waiting means
trying again: a runner blocked inside `pg_advisory_xact_lock` keeps a snapshot, and an index build
waits for that without limit.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_INTRANS
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.engine.reported import Waiting
from scripts.engine.session import signals, waiting
from scripts.engine.settings import TableName
from scripts.errors import LockError
from scripts.sqltext import duration

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_SAY_EVERY = 30.0
"""Seconds: how long between two tries at most, and between two lines about the wait."""

# An idle transaction must not be ended by what is meant for forgotten ones; transaction_timeout
# came with PostgreSQL 17: https://www.postgresql.org/docs/current/runtime-config-client.html
_NO_TIMEOUTS = (
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN"
    " ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')"
)
_HOLDER = (
    "SELECT a.pid, a.application_name, a.usename, coalesce(host(a.client_addr), 'this machine'),"
    " a.xact_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.classid::bigint = %s AND l.objid::bigint = %s"
)
_TABLE = (
    "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = %(schema)s AND c.relname = %(name)s"
)
_SAVEPOINT = "upskill_look"


class Holder(NamedTuple):
    """The session that has the lock; what its user may hide from ours is None."""

    pid: int
    application: str | None
    user: str | None
    host: str
    since: datetime | None

    @property
    def fields(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**self._asdict(), "since": self.since.isoformat() if self.since else None}

    def __str__(self) -> str:
        """Return it in one line."""
        since = f"{self.since.astimezone():%Y-%m-%d %H:%M:%S %z}" if self.since else "unknown"
        return (
            f"pid {self.pid} ({disclosure.of_text(self.application or '?')}), {self.user} on "
            f"{self.host}, since {since}"
        )


Tell = Callable[[Waiting], None]


class Lock:
    """The lock, held, and the connection that holds it."""

    def __init__(self, connection: Connection, number: int, waited_ms: int) -> None:
        """Know the connection whose transaction holds the lock, and the lock's number."""
        self.connection = connection
        self._number = number
        self.waited_ms = waited_ms
        """How long another run had it."""

    def check(self) -> None:
        """Check that the lock is still held.

        Raises:
            LockError: when the connection or its transaction is gone, and the lock with it. Whoever
                asked knows what state things are in, and says so.
        """
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            lost = self.connection.info.transaction_status != TRANSACTION_STATUS_INTRANS
            reason = "its transaction has ended"
        except psycopg2.Error as error:
            lost, reason = True, disclosure.headline(error)
        if lost:
            raise LockError(
                "the lock against other runs was lost",
                detail=reason,
                hint="run the command again: it continues where this one stopped",
            )

    def is_seen_from(self, other: Connection) -> bool:
        """Tell whether another connection leads to the same database: there the lock is seen."""
        return _holder(other, self._number) is not None

    def sees(self, table: TableName) -> bool:
        """Tell whether the lock's session sees a table; it sees only what is committed."""
        return bool(self.query(_TABLE, {"schema": table.schema, "name": table.name}))

    def query(self, text: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Ask the server something beside the run; the lock is kept even if the query fails.

        Returns:
            The rows; none where the server did not answer.
        """
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
                try:
                    cursor.execute(text, parameters)
                    return cursor.fetchall()
                finally:
                    cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        except psycopg2.Error:
            return ()


@contextmanager
def held(
    connection: Connection, table: TableName, wait_ms: int, patience_s: float, tell: Tell
) -> Iterator[Lock]:
    """Hold the lock of a database for a `with` block.

    Args:
        connection: one that nothing else uses; its transaction ends with the block.
        table: the ledger; two ledgers in one database have two locks.
        wait_ms: how long to wait for another run to end, in milliseconds; 0 waits without limit.
        patience_s: how long a query about the lock may take, in seconds; then it counts as lost.
        tell: is told who holds it.

    Raises:
        LockError: when it is not available in that time.
        Interrupted: when a signal ends the wait.
    """
    with waiting.bounded(connection, patience_s):
        yield from _held(connection, table, wait_ms, tell)


def _held(connection: Connection, table: TableName, wait_ms: int, tell: Tell) -> Iterator[Lock]:
    connection.set_session(isolation_level="READ COMMITTED")
    number = key(_database(connection), table)
    begin, said, pause = time.monotonic(), None, _FIRST_PAUSE
    waited = 0.0
    try:
        while not _try(connection, number):
            ahead = _holder(connection, number)
            # The transaction keeps the locks that the attempt takes; a waiting one must keep none.
            connection.rollback()
            waited = time.monotonic() - begin
            if wait_ms and waited * 1000 >= wait_ms:
                raise _timed_out(wait_ms, ahead)
            if said is None or waited - said >= _SAY_EVERY:
                said = waited
                text = f"waiting for another run: {ahead or 'it is ending'}"
                tell(Waiting("another run", waited, (ahead.fields,) if ahead else (), text))
            signals.pause(pause * random.uniform(0.5, 1))  # noqa: S311 - only spreads the tries
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        yield Lock(connection, number, round(waited * 1000))
    finally:
        # It may have been terminated unnoticed; then the lock is gone as well.
        with suppress(psycopg2.Error):
            connection.rollback()
            connection.set_session(isolation_level="DEFAULT")


def key(database: str, table: TableName) -> int:
    """Return the lock's number: a bigint that no other database and ledger are likely to have."""
    digest = hashlib.sha256(f"upskill migrations\0{database}\0{table}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _database(connection: Connection) -> str:
    """Ask the server: behind a pooler one database may go by several names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str((cursor.fetchone() or ("",))[0])


def _try(connection: Connection, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_NO_TIMEOUTS)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (number,))
        return bool((cursor.fetchone() or (False,))[0])


def holder(connection: Connection, table: TableName) -> Holder | None:
    """Return the session that holds the lock of a database's ledger; None where nobody does."""
    return _holder(connection, key(_database(connection), table))


def _holder(connection: Connection, number: int) -> Holder | None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, ((number >> 32) & 0xFFFFFFFF, number & 0xFFFFFFFF))
        row = cursor.fetchone()
    return Holder(*row) if row else None


def _timed_out(wait_ms: int, ahead: Holder | None) -> LockError:
    return LockError(
        f"another run did not end within {duration.text(wait_ms)}",
        detail=f"the lock is held by {ahead}" if ahead else "",
        state="nothing was changed",
        hint="wait for it and run the command again; if that run is stuck, "
        f"end it with SELECT pg_terminate_backend({ahead.pid})"
        if ahead
        else "run the command again",
    )
