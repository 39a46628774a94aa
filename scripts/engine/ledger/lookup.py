"""Reads from a database where its ledger is, the rows, and Alembic's version. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier

from scripts.engine.ledger.table import (
    REQUIRED,
    VERSION_TABLE,
    Ledger,
    Namesake,
    Row,
    qualified,
)
from scripts.engine.settings import TableName
from scripts.errors import LedgerError
from scripts.files import history

# The namesakes are worked out where the setting leaves the schema to the search path, which may
# have changed: tables of that name that could be the ledger. It costs no query of its own.
_FIND = """
SELECT n.nspname, c.relname IS NOT NULL,
  ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  ARRAY(SELECT ARRAY[s.nspname::text, (coalesce(has_schema_privilege(s.oid, 'USAGE'), false)
      AND coalesce(has_table_privilege(o.oid, 'SELECT'), false))::text]
    FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace s ON s.oid = o.relnamespace
    WHERE %(schema)s::text IS NULL AND o.relname = %(name)s AND o.relkind IN ('r', 'p')
      AND o.relpersistence <> 't' AND o.oid IS DISTINCT FROM c.oid
      AND %(required)s::text[] <@ ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute
        WHERE attrelid = o.oid AND attnum > 0 AND NOT attisdropped)
    ORDER BY 1),
  coalesce(pg_table_is_visible(c.oid), n.nspname = ANY (current_schemas(false)), false),
  EXISTS (SELECT FROM pg_catalog.pg_class v
    WHERE v.relnamespace = n.oid AND v.relname = %(version_table)s)
FROM (SELECT to_regclass(%(table)s) AS oid) wanted
LEFT JOIN pg_catalog.pg_class c ON c.oid = wanted.oid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  OR c.oid IS NULL AND n.nspname = coalesce(%(schema)s, current_schema())
"""


def find(connection: Connection, table: TableName, *, takes_over: bool = False) -> Ledger:
    """Find out where the ledger is, or where it will be.

    From here on its name has a schema, so that a migration that changes the search path, as the
    output of pg_dump does, cannot lead the ledger's statements elsewhere.

    Args:
        connection: where to look.
        table: its name.
        takes_over: whether the ledger of an earlier tool may have that name: it counts as none.

    Raises:
        LedgerError: when the table lacks a column that no default can fill, or there is no schema.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                "table": qualified(table.schema, table.name).as_string(connection),
                "schema": table.schema,
                "name": table.name,
                "required": list(REQUIRED),
                "version_table": VERSION_TABLE,
            },
        )
        row = cursor.fetchone() or (None, False, [], [], False, False)
    found, exists, columns, others, visible, has_version = row
    schema = found or table.schema
    if not schema:
        raise LedgerError(
            f"there is no schema for the table {table}",
            detail="the search_path of the connection contains no existing schema",
            hint="set MIGRATION_TABLE to schema.table",
        )
    where = TableName(schema, table.name)
    if takes_over and exists and not set(REQUIRED) <= set(columns):
        exists, columns = False, []
    if exists:
        _check_columns(where, columns)
    return Ledger(
        where,
        schema_exists=found is not None,
        exists=exists,
        columns=frozenset(columns),
        visible=visible,
        version_table_exists=has_version,
        namesakes=tuple(
            Namesake(TableName(other, table.name), readable == "true") for other, readable in others
        ),
    )


def _check_columns(table: TableName, columns: Sequence[str]) -> None:
    # Without checksums it is one all the same: `repair` gives its rows theirs.
    missing = [name for name in REQUIRED if name not in (*columns, "checksum")]
    if missing:
        raise LedgerError(
            f"the table {table} is not a ledger: it lacks {', '.join(missing)}",
            detail=f"it has: {', '.join(columns)}",
            state="nothing was changed",
            hint="set MIGRATION_TABLE to another name, or take it over if it is an earlier tool's: "
            "`python scripts/baseline.py --database NAME`",
        )


def contents(connection: Connection, ledger: Ledger) -> tuple[list[Row], tuple[str, ...]]:
    """Read the rows of a ledger, and Alembic's version beside it; either may not exist yet.

    In one statement: a run that commits between two would make them disagree.

    Returns:
        The rows, in no particular order, and Alembic's heads.

    Raises:
        LedgerError: for a row without file name or time.
    """
    heads: Composable = SQL("SELECT '{{}}'::text[] AS heads").format()
    if ledger.version_table_exists:
        heads = SQL(
            "SELECT coalesce(array_agg(version_num::text ORDER BY version_num), '{{}}') AS heads"
            " FROM {}"
        ).format(qualified(ledger.table.schema, VERSION_TABLE))
    with connection.cursor() as cursor:
        if not ledger.exists:
            cursor.execute(heads)
            return [], tuple((cursor.fetchone() or ([],))[0])
        optional = {
            "checksum": "''",
            "description": "''",
            "applied_by": "''",
            "duration_ms": "NULL",
        }
        chosen = SQL(", ").join(
            Identifier(name) if name in ledger.columns else SQL(default)
            for name, default in optional.items()
        )
        # Only columns that are needed: a login may have been granted no others.
        query = SQL(
            "SELECT h.heads, l.* FROM ({}) h LEFT JOIN"
            " (SELECT true, coalesce(version::text, 'NULL'), filename, applied_at, {}"
            " FROM {}) l ON true"
        )
        cursor.execute(query.format(heads, chosen, ledger.name))
        found = cursor.fetchall()
    rows = [record[2:] for record in found if record[1]]
    for version, filename, applied_at, *_ in rows:
        if not isinstance(filename, str) or not isinstance(applied_at, datetime):
            raise LedgerError(
                f"the ledger {ledger.table} lacks the file name or the time of {version}",
                detail=f"filename: {filename}, applied_at: {applied_at}",
                state="nothing was changed",
                hint="UPDATE the row so that it has both",
            )
    return [Row._make(row) for row in rows], tuple(found[0][0])


def current(connection: Connection, ledger: Ledger) -> str:
    """Read which version a ledger is at, "base" when it has none.

    Raises:
        HistoryError: when it has an invalid version.
    """
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT version FROM {}").format(ledger.name))
        versions = [str(version) for (version,) in cursor]
    return max(versions, key=history.number, default="base")
