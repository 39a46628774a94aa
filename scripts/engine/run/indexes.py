"""Invalid indexes: what a `CREATE INDEX CONCURRENTLY` leaves behind when it is cut short.

Run again with IF NOT EXISTS, PostgreSQL would keep such an index in silence: a name that no query
uses and every write pays for.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

import time

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL

from scripts.engine.ledger.table import qualified
from scripts.engine.session import signals
from scripts.engine.session.database import Say
from scripts.errors import LockError
from scripts.files import duration
from scripts.files.concurrent_index import ConcurrentIndex

_PAUSE = 0.2
_SAY_EVERY = 30.0
"""Seconds."""

# A partitioned index (relkind I) is invalid until each partition has its own: nothing is wrong.
_INVALID = (
    "SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'"
)
_BUILDER = (
    "SELECT p.pid FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.index_relid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s"
)


def mend(connection: Connection, wanted: ConcurrentIndex, wait_ms: int, say: Say) -> None:
    """Drop the invalid index that has the name of one that is about to be built.

    One that a session is still building, as that of a run which was killed, is waited for: it may
    become valid.

    Args:
        connection: in autocommit.
        wanted: the index.
        wait_ms: how long to wait for another session, in milliseconds; 0 waits for ever.
        say: is told of the wait and of the drop.

    Raises:
        LockError: when the other session does not end in that time.
        psycopg2.Error: when the index can't be dropped.
    """
    begin, said = time.monotonic(), None
    while schema := _invalid_schema(connection, wanted):
        builder = _builder(connection, schema, wanted.name)
        if builder is None:
            name = qualified(schema, wanted.name)
            with connection.cursor() as cursor:
                cursor.execute(SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))
            say(f"dropped the invalid index {wanted.name}, which a failed build had left")
            return
        waited = time.monotonic() - begin
        if wait_ms and waited * 1000 >= wait_ms:
            raise LockError(
                f"pid {builder} has been building the index {wanted.name} for longer than "
                f"{duration.text(wait_ms)}",
                way_out=f"wait for it, or end it with SELECT pg_cancel_backend({builder})",
            )
        if said is None or waited - said >= _SAY_EVERY:
            said = waited
            say(f"waiting for pid {builder}, which is building the index {wanted.name}")
        signals.pause(_PAUSE)


def others(connection: Connection, wanted: list[ConcurrentIndex]) -> list[str]:
    """Return the names of the invalid indexes that no statement of ours is about to build."""
    names = {index.name for index in wanted}
    with connection.cursor() as cursor:
        cursor.execute(f"{_INVALID} ORDER BY 1, 2")
        return [f"{schema}.{name}" for schema, name in cursor if name not in names]


def _invalid_schema(connection: Connection, wanted: ConcurrentIndex) -> str | None:
    """Return the schema of the index, which is its table's, if it is there and invalid."""
    table = qualified(wanted.schema, wanted.table).as_string(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_INVALID} AND i.indrelid = to_regclass(%s) AND c.relname = %s",
            (table, wanted.name),
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _builder(connection: Connection, schema: str, name: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_BUILDER, (schema, name))
        row = cursor.fetchone()
    return row[0] if row else None
