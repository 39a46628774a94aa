"""The ledger: one row per applied migration, with what it takes to undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.settings import TableName
from scripts.errors import LedgerError

VERSION_TABLE = "alembic_version"

# Columns as CREATE TABLE and ADD COLUMN take them. The first five are what earlier tools wrote as
# well; the others are added to a ledger that lacks them.
_COLUMNS = {
    "version": "text PRIMARY KEY",
    "filename": "text NOT NULL",
    "applied_at": "timestamptz NOT NULL DEFAULT clock_timestamp()",
    "rollback_sql": "text",
    "checksum": "text NOT NULL",
    "description": "text NOT NULL DEFAULT ''",
    "applied_by": "text NOT NULL DEFAULT session_user",
    "duration_ms": "bigint",
}
_REQUIRED = tuple(_COLUMNS)[:5]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One applied migration, without its rollback SQL, which may be long."""

    version: str
    filename: str
    applied_at: datetime
    checksum: str
    description: str
    applied_by: str
    duration_ms: int | None
    """None where nothing ran: a stamp, or SQL that was run with psql."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the ledger is told of a migration that was applied."""

    version: str
    filename: str
    checksum: str
    rollback_sql: str
    description: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger's table and the statements that read and write it.

    The statements are values: online they are executed, with `--sql` they are written out.
    """

    table: TableName
    schema_exists: bool = True
    exists: bool = False
    columns: frozenset[str] = frozenset()

    @property
    def name(self) -> Composable:
        """Return the table's quoted name."""
        return qualified(self.table.schema, self.table.name)

    def creation(self) -> list[Composable]:
        """Return the statements that make the table what it has to be; none when it is so."""
        if self.exists:
            return [
                SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} ").format(
                    self.name, Identifier(name)
                )
                + SQL(kind)
                for name, kind in _COLUMNS.items()
                if name not in self.columns
            ]
        columns = SQL(", ").join(
            SQL("{} ").format(Identifier(name)) + SQL(kind) for name, kind in _COLUMNS.items()
        )
        return [
            *([] if self.schema_exists else self.schema_creation()),
            SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(self.name, columns),
            SQL("COMMENT ON TABLE {} IS {}").format(
                self.name,
                Literal("One row per applied migration, with the SQL that undoes it"),
            ),
        ]

    def schema_creation(self) -> list[Composable]:
        """Return the statement that makes the schema, where the table's name has one."""
        if not self.table.schema:
            return []
        return [SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self.table.schema))]

    def insertion(self, record: Record, duration: Composable) -> Composable:
        """Return the statement that notes a migration as applied.

        Args:
            record: what was applied.
            duration: milliseconds, as SQL: a literal, or an expression that the server works out.
        """
        return SQL(
            "INSERT INTO {} (version, filename, rollback_sql, checksum, description, duration_ms)"
            " VALUES ({}, {})"
        ).format(self.name, _values(record), duration)

    def deletion(self, version: str) -> Composable:
        """Return the statement that takes a migration's row away."""
        return SQL("DELETE FROM {} WHERE version = {}").format(self.name, Literal(version))

    def mirror(self, records: Iterable[Record], kept: Iterable[str]) -> list[Composable]:
        """Return the statements after which the ledger has just these versions.

        Args:
            records: versions to be noted; a row that is there stays as it is.
            kept: further versions whose rows, if there are any, stay.
        """
        records = list(records)
        versions = [*kept, *(record.version for record in records)]
        deletion = SQL("DELETE FROM {}").format(self.name)
        if versions:
            listed = SQL(", ").join(Literal(version) for version in versions)
            deletion += SQL(" WHERE version NOT IN ({})").format(listed)
        return [
            deletion,
            *(
                SQL(
                    "INSERT INTO {} (version, filename, rollback_sql, checksum, description)"
                    " VALUES ({}) ON CONFLICT (version) DO NOTHING"
                ).format(self.name, _values(record))
                for record in records
            ),
        ]


def _values(record: Record) -> Composable:
    return SQL(", ").join(
        Literal(value)
        for value in (
            record.version,
            record.filename,
            record.rollback_sql,
            record.checksum,
            record.description,
        )
    )


def qualified(schema: str | None, name: str) -> Composable:
    """Return a quoted name, with its schema where there is one."""
    return Identifier(schema, name) if schema else Identifier(name)


def find(connection: Connection, table: TableName) -> Ledger:
    """Look for the ledger and say where it is, or where it will be.

    From here on its name has a schema, so that a migration that changes the search path, as the
    output of pg_dump does, can't lead the ledger's statements elsewhere.

    Raises:
        LedgerError: when the table lacks a column that no default can fill, or there is no schema.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname IS NOT NULL,"
            " ARRAY(SELECT attname::text FROM pg_attribute"
            "  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)"
            " FROM (SELECT to_regclass(%s) AS oid) wanted"
            " LEFT JOIN pg_class c ON c.oid = wanted.oid"
            " LEFT JOIN pg_namespace n ON n.oid = c.relnamespace"
            "  OR c.oid IS NULL AND n.nspname = coalesce(%s, current_schema())",
            (qualified(table.schema, table.name).as_string(connection), table.schema),
        )
        found, exists, columns = cursor.fetchone() or (None, False, [])
    schema = found or table.schema
    if not schema:
        raise LedgerError(
            f"there is no schema to put the table {table} into",
            detail="the connection's search_path names no schema that exists",
            way_out="set MIGRATION_TABLE to schema.table",
        )
    missing = [name for name in _REQUIRED if exists and name not in columns]
    if missing:
        raise LedgerError(
            f"the table {schema}.{table.name} is no ledger: it has no column {', '.join(missing)}",
            detail=f"it has: {', '.join(columns)}",
            state="nothing was changed",
            way_out="set MIGRATION_TABLE to another name, or add the columns if it is one",
        )
    return Ledger(TableName(schema, table.name), found is not None, exists, frozenset(columns))


def rows(connection: Connection, ledger: Ledger) -> list[Row]:
    """Read the rows of a ledger that may not exist yet, in no particular order."""
    if not ledger.exists:
        return []
    optional = {"description": "''", "applied_by": "''", "duration_ms": "NULL"}
    chosen = SQL(", ").join(
        Identifier(name) if name in ledger.columns else SQL(default)
        for name, default in optional.items()
    )
    query = SQL("SELECT version, filename, applied_at, checksum, {} FROM {}")
    with connection.cursor() as cursor:
        cursor.execute(query.format(chosen, ledger.name))
        return [
            Row(
                version=str(row[0]),
                filename=row[1],
                applied_at=row[2],
                checksum=row[3],
                description=row[4],
                applied_by=row[5],
                duration_ms=row[6],
            )
            for row in cursor
        ]


def rollback_sql(connection: Connection, ledger: Ledger, version: str) -> str | None:
    """Read what the ledger keeps to undo a migration; None when it keeps nothing.

    Raises:
        LedgerError: when the migration has no row.
    """
    query = SQL("SELECT rollback_sql FROM {} WHERE version = {}")
    with connection.cursor() as cursor:
        cursor.execute(query.format(ledger.name, Literal(version)))
        row = cursor.fetchone()
    if row is None:
        raise LedgerError(
            f"the ledger {ledger.table} has no row for {version}",
            state="nothing was changed",
            way_out="python scripts/status.py shows what it has",
        )
    stored: str | None = row[0]
    return stored


def alembic_heads(connection: Connection, ledger: Ledger) -> tuple[str, ...]:
    """Read Alembic's own table, which lies in the ledger's schema; () when there is none."""
    name = qualified(ledger.table.schema, VERSION_TABLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (name.as_string(connection),))
        if not (cursor.fetchone() or (False,))[0]:
            return ()
        cursor.execute(sql.SQL("SELECT version_num FROM {} ORDER BY 1").format(name))
        return tuple(version for (version,) in cursor)
