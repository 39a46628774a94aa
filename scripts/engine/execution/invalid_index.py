"""Invalid indexes: what an interrupted `CREATE INDEX CONCURRENTLY` leaves behind.

Run again with IF NOT EXISTS, PostgreSQL would silently keep such an index: a name that no query
uses and every write pays for.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine.ledger.table import qualified
from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.sqltext import duration
from scripts.sqltext.concurrent_index import ConcurrentIndex

_PAUSE = 0.2
_SAY_EVERY = 30.0
"""Seconds."""
_DROP_WAITS_MS = 1000
"""How long a DROP waits for its lock before the index is looked at again."""

# A partitioned index (relkind I) is invalid until each partition has its own: nothing is wrong.
_INVALID = SQL(
    "SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'"
)
# Whoever builds an index concurrently holds this lock on its table; unlike the progress of a build,
# no session's locks are hidden from another role.
_BUILDER = SQL(
    "SELECT pid FROM pg_locks WHERE locktype = 'relation' AND granted AND pid <> pg_backend_pid()"
    " AND mode = 'ShareUpdateExclusiveLock' AND relation = to_regclass({})"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class StillBuiltError(Exception):
    """Another session has been building the index for too long."""


def drop_invalid(
    connection: Connection, wanted: ConcurrentIndex, wait_ms: int, notify: Notify, *, bounded: bool
) -> None:
    """Drop the invalid index that has the name of one that is about to be built.

    One that a session may still be building, as that of a run which was killed, is waited for: it
    may become valid.

    Args:
        connection: in autocommit.
        wanted: the index.
        wait_ms: how long to wait for another session, in milliseconds; 0 waits without limit.
        notify: is told of the wait and of the drop.
        bounded: look at the index again now and then while the DROP waits for its lock; otherwise
            the session's own lock_timeout holds.

    Raises:
        StillBuiltError: when the other session does not end in that time.
        psycopg2.Error: when the index cannot be dropped.
    """
    begin, said = time.monotonic(), None
    while found := _rows(connection, _of_table(connection, wanted)):
        builders = _rows(connection, _BUILDER.format(_table(connection, wanted)))
        if not builders and _dropped(connection, found[0][0], wanted.name, bounded=bounded):
            notify(f"dropped the invalid index {wanted.name}, which a failed build had left")
            return
        waited = time.monotonic() - begin
        if wait_ms and waited * 1000 >= wait_ms:
            raise StillBuiltError(
                f"{_who(builders)} has held {wanted.table} for longer than {duration.text(wait_ms)}"
            )
        if said is None or waited - said >= _SAY_EVERY:
            said = waited
            notify(f"waiting for {_who(builders)}, which may be building the index {wanted.name}")
        signals.pause(_PAUSE)


def _who(builders: list[tuple[Any, ...]]) -> str:
    return f"pid {builders[0][0]}" if builders else "another session"


def problem(connection: Connection, wanted: ConcurrentIndex) -> str:
    """Return why an index that was to be built is unusable; "" if nothing is wrong with it."""
    table = _table(connection, wanted)
    query = SQL(
        "SELECT i.indrelid = to_regclass({}), i.indisvalid, i.indrelid::regclass::text"
        " FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname = {}"
        " AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass({}))"
    ).format(table, Literal(wanted.name), table)
    rows = _rows(connection, query)
    if not rows:
        return f"there is no index of that name on {wanted.table}"
    [(of_table, valid, other)] = rows
    if not of_table:
        return f"the name belongs to an index on {other}" if other else "the name is a table's"
    return "" if valid else "it is invalid"


def other_invalid(connection: Connection, wanted: list[ConcurrentIndex]) -> list[str]:
    """Return the names of the invalid indexes that no statement of ours is about to build."""
    ours = {row for one in wanted for row in _rows(connection, _of_table(connection, one))}
    found = _rows(connection, _INVALID + SQL(" ORDER BY 1, 2"))
    return [f"{schema}.{name}" for schema, name in found if (schema, name) not in ours]


def _table(connection: Connection, wanted: ConcurrentIndex) -> Composable:
    return Literal(qualified(wanted.schema, wanted.table).as_string(connection))


def _of_table(connection: Connection, wanted: ConcurrentIndex) -> Composable:
    """Return the query for the index, if it is there and invalid: it is in its table's schema."""
    return _INVALID + SQL(" AND i.indrelid = to_regclass({}) AND c.relname = {}").format(
        _table(connection, wanted), Literal(wanted.name)
    )


def _dropped(connection: Connection, schema: str, name: str, *, bounded: bool) -> bool:
    """Drop an index, unless its table is in use: a DROP that waits for a build would undo it."""
    timeout = SQL("SET lock_timeout = {}").format(Literal(_DROP_WAITS_MS))
    drop = SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(qualified(schema, name))
    with closing(connection.cursor()) as cursor:
        if not bounded:
            cursor.execute(drop)
            return True
        cursor.execute("SHOW lock_timeout")
        [before] = cursor.fetchone() or ("0",)
        cursor.execute(timeout)
        try:
            cursor.execute(drop)
        except psycopg2.errors.LockNotAvailable:
            return False
        finally:
            if not connection.closed:
                cursor.execute(SQL("SET lock_timeout = {}").format(Literal(before)))
    return True


def _rows(connection: Connection, query: Composable) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
