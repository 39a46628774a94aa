"""Invalid indexes: what an interrupted `CREATE INDEX CONCURRENTLY` or `REINDEX` leaves behind.

No query uses them, and every write pays for them. Run again with IF NOT EXISTS, PostgreSQL would
silently keep one.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from scripts.engine.ledger.table import qualified
from scripts.sqltext.concurrent_index import ConcurrentBuild, Creation, Shape

_DROP_WAITS_MS = 1000
"""How long a DROP waits for its lock before the index is looked at again."""

# A partitioned index (relkind I) is invalid until each partition has its own: nothing is wrong.
# The copies that REINDEX makes are called …_ccnew and, once they have taken the old one's place,
# the old one …_ccold; with a number where that name is taken.
_INVALID = SQL(
    "SELECT c.oid::int8, n.nspname, c.relname, i.indrelid::int8, i.indisunique, m.amname,"
    " ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)"
    "  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    "  AND k.number <> 0 ORDER BY place), i.indnkeyatts, i.indpred IS NOT NULL,"
    " c.relname ~ '_cc(new|old)[0-9]*$' AND EXISTS (SELECT FROM pg_index j"
    "  WHERE j.indrelid = i.indrelid AND j.indexrelid <> i.indexrelid"
    "  AND (j.indisunique, j.indkey::text, j.indclass::text, j.indcollation::text,"
    "   j.indoption::text, pg_get_expr(j.indexprs, j.indrelid), pg_get_expr(j.indpred, j.indrelid))"
    "  IS NOT DISTINCT FROM (i.indisunique, i.indkey::text, i.indclass::text,"
    "   i.indcollation::text, i.indoption::text, pg_get_expr(i.indexprs, i.indrelid),"
    "   pg_get_expr(i.indpred, i.indrelid)))"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i'"
    " AND (n.nspname = 'pg_toast' OR n.nspname !~ '^pg_')"
)
# Whoever builds an index concurrently holds this lock on its table; unlike the progress of a build,
# no session's locks are hidden from another role.
_BUILDER = SQL(
    "SELECT pid FROM pg_locks WHERE locktype = 'relation' AND granted AND pid <> pg_backend_pid()"
    " AND mode = 'ShareUpdateExclusiveLock' AND relation = {}"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_TABLES = {
    "index": SQL(
        "SELECT indrelid FROM pg_index WHERE indexrelid = {0}"
        " OR indexrelid IN (SELECT relid FROM pg_partition_tree({0}))"
    ),
    "table": SQL("SELECT {0} UNION SELECT relid FROM pg_partition_tree({0})"),
    "schema": SQL("SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace({0})"),
}
_EVERY_TABLE = SQL("SELECT oid FROM pg_class WHERE relkind IN ('r', 'm')")


class InvalidIndex(NamedTuple):
    """An index that its build has not made valid."""

    oid: int
    schema: str
    name: str
    table: int
    """The oid of its table."""
    shape: Shape
    is_copy: bool
    """Whether it is a copy that REINDEX makes of another index of its table."""

    @property
    def identity(self) -> tuple[int, str]:
        """Return what no other index has, at any time."""
        return self.oid, self.name

    @property
    def has_chosen_name(self) -> bool:
        """Tell whether its name is of the form that PostgreSQL gives where a statement has none."""
        return re.search(r"_idx[0-9]*$", self.name) is not None

    def __str__(self) -> str:
        """Return its name as people read it."""
        return f"{self.schema}.{self.name}"


def find(connection: Connection) -> list[InvalidIndex]:
    """Return all invalid indexes of a database, in the order of their names."""
    found = _rows(connection, _INVALID + SQL(" ORDER BY 2, 3"))
    return [
        InvalidIndex(
            oid, schema, name, table, Shape(unique, method, tuple(columns), keys, partial), is_copy
        )
        for oid, schema, name, table, unique, method, columns, keys, partial, is_copy in found
    ]


def tables(connection: Connection, build: ConcurrentBuild) -> frozenset[int]:
    """Return the oids of the tables whose indexes a statement builds, in this session's eyes."""
    if isinstance(build, Creation):
        [(oid,)] = _rows(connection, SQL("SELECT {}::int8").format(_oid(connection, build.table)))
        return frozenset() if oid is None else frozenset([oid])
    if build.target in ("index", "table"):
        query = _TABLES[build.target].format(_oid(connection, build.name))
    elif build.target == "schema" and build.name:
        name = Identifier(build.name[-1]).as_string(connection)
        query = _TABLES["schema"].format(Literal(name))
    else:
        query = Composed([_EVERY_TABLE])
    # REINDEX rebuilds those of a table's TOAST table as well.
    whole = SQL(
        "WITH own(oid) AS ({}) SELECT oid::int8 FROM own UNION"
        " SELECT reltoastrelid::int8 FROM pg_class JOIN own USING (oid) WHERE reltoastrelid <> 0"
    ).format(query)
    return frozenset(oid for (oid,) in _rows(connection, whole))


def problem(connection: Connection, wanted: Creation) -> str:
    """Return why an index that was to be built is unusable; "" if nothing is wrong with it."""
    table = _oid(connection, wanted.table)
    query = SQL(
        "SELECT i.indrelid = {}, i.indisvalid, i.indrelid::regclass::text"
        " FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname = {}"
        " AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = {})"
    ).format(table, Literal(wanted.name), table)
    rows = _rows(connection, query)
    if not rows:
        return f"there is no index of that name on {wanted.table[-1]}"
    [(of_table, valid, other)] = rows
    if not of_table:
        return f"the name belongs to an index on {other}" if other else "the name is a table's"
    return "" if valid else "it is invalid"


def builder(connection: Connection, index: InvalidIndex) -> int | None:
    """Return the process that may be building an index; None when there is none."""
    rows = _rows(connection, _BUILDER.format(Literal(index.table)))
    return int(rows[0][0]) if rows else None


def drop(connection: Connection, index: InvalidIndex, *, bounded: bool) -> bool:
    """Drop an index, unless its table is in use: a DROP that waits for a build would undo it.

    Args:
        connection: in autocommit.
        index: which one.
        bounded: wait a second for the lock; otherwise the session's own lock_timeout holds.

    Returns:
        Whether it was dropped.

    Raises:
        psycopg2.Error: when it cannot be dropped.
    """
    timeout = SQL("SET lock_timeout = {}").format(Literal(_DROP_WAITS_MS))
    drop = SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(qualified(index.schema, index.name))
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


def _oid(connection: Connection, name: tuple[str, ...]) -> Composable:
    """Return what finds a relation by its name; NULL in another database, which nobody reaches."""
    text = Identifier(*name[-2:]).as_string(connection)
    found = SQL("to_regclass({})::oid").format(Literal(text))
    if len(name) < 3:
        return found
    here = SQL("(CASE current_database() WHEN {} THEN {} END)")
    return here.format(Literal(name[0]), found)


def _rows(connection: Connection, query: Composable) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
