"""The ledger: one row per applied migration, with what it takes to undo it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger import alembic_version
from scripts.engine.settings import TableName

VERSION_TABLE = "alembic_version"
GONE = ("42P01", "3F000")
"""What the server says about a missing table or schema."""

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
    "rollback_checksum": "text",
    "existed_before": "jsonb",
}
_ADDED = {"checksum": "text NOT NULL DEFAULT ''"}
"""A column as it is added to a ledger with rows."""
REQUIRED = tuple(_COLUMNS)[:5]
FINGERPRINT = "encode(sha256(convert_to(coalesce(rollback_sql, ''), 'UTF8')), 'hex')"
"""What `fingerprint` returns, as the server works it out for a row."""


class Row(NamedTuple):
    """One applied migration, without its rollback SQL, which may be long."""

    version: str
    filename: str
    applied_at: datetime
    checksum: str
    description: str
    applied_by: str
    duration_ms: int | None
    """None where nothing ran: a stamp, or SQL that was run with psql."""


class Record(NamedTuple):
    """What is written to the ledger for a migration that was applied."""

    version: str
    filename: str
    checksum: str
    rollback_sql: str
    description: str

    @property
    def values(self) -> dict[str, str]:
        """Return what its row has, with the checksum that shows that the SQL is unchanged."""
        return {
            "version": self.version,
            "filename": self.filename,
            "rollback_sql": self.rollback_sql,
            "rollback_checksum": fingerprint(self.rollback_sql),
            "checksum": self.checksum,
            "description": self.description,
        }


class Namesake(NamedTuple):
    """A table in another schema that has the ledger's name and its columns."""

    table: TableName
    readable: bool
    """Whether the user that runs may read it."""


class Ledger(NamedTuple):
    """The ledger's table and the statements that read and write it.

    The statements are values: online they are executed, with `--sql` they are written out.
    """

    table: TableName
    schema_exists: bool = True
    exists: bool = False
    columns: frozenset[str] = frozenset()
    visible: bool = True
    """Whether its name finds it without its schema, too."""
    version_table_exists: bool = False
    """Whether Alembic's table exists beside it."""
    namesakes: tuple[Namesake, ...] = ()
    """Looked for where MIGRATION_TABLE names no schema."""

    @property
    def name(self) -> Composable:
        """Return the table's quoted name."""
        return qualified(self.table.schema, self.table.name)

    @property
    def has_checksums(self) -> bool:
        """Tell whether rows have a checksum of their rollback SQL; an older tool wrote none."""
        return "rollback_checksum" in self.columns

    @property
    def version_table(self) -> TableName:
        """Return the name of Alembic's table, which lies beside the ledger."""
        return TableName(self.table.schema, VERSION_TABLE)

    @property
    def version_name(self) -> Composable:
        """Return the quoted name of Alembic's table."""
        return qualified(self.table.schema, VERSION_TABLE)

    def creation(self) -> list[Composable]:
        """Return the statements that create or complete the table; none when it is complete."""
        if self.exists:
            return self._extension()
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

    def version_table_creation(self) -> list[Composable]:
        """Return the statements that make Alembic's table; none where it is there."""
        if self.version_table_exists:
            return []
        return [alembic_version.creation(self.version_name)]

    def created(self) -> Ledger:
        """Return the ledger as it is once `creation` has run."""
        return self._replace(exists=True, columns=self.columns | frozenset(_COLUMNS))

    def _extension(self) -> list[Composable]:
        missing = [name for name in _COLUMNS if name not in self.columns]
        statements: list[Composable] = [
            SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} ").format(self.name, Identifier(name))
            + SQL(_ADDED.get(name, _COLUMNS[name]))
            for name in missing
        ]
        if "rollback_checksum" in missing:
            # From here on, a row without one was tampered with.
            statements.append(
                SQL("UPDATE {} SET rollback_checksum = {}").format(self.name, SQL(FINGERPRINT))
            )
        return statements

    def schema_creation(self) -> list[Composable]:
        """Return the statement that makes the schema, where the table's name has one."""
        if not self.table.schema:
            return []
        return [SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self.table.schema))]

    def insertion(self, values: Mapping[str, Composable]) -> Composable:
        """Return the statement that writes a row, given SQL for each of its columns."""
        return SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self.name,
            SQL(", ").join(Identifier(column) for column in values),
            SQL(", ").join(values.values()),
        )

    def dated(self, version: str, when: object) -> Composable:
        """Return the statement that gives a row the time at which it was applied."""
        return SQL("UPDATE {} SET applied_at = {} WHERE version = {}").format(
            self.name, Literal(when), Literal(version)
        )

    def mirror(
        self,
        records: Iterable[Record],
        kept: Iterable[str],
        as_sql: Callable[[str], Composable] = Literal,
    ) -> list[Composable]:
        """Return the statements after which the ledger has exactly these versions.

        Args:
            records: versions to be noted; a row that is there stays as it is.
            kept: further versions whose rows, if there are any, stay.
            as_sql: writes a value out.
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
                self.insertion({name: as_sql(value) for name, value in record.values.items()})
                + SQL(" ON CONFLICT (version) DO NOTHING")
                for record in records
            ),
        ]


def fingerprint(rollback_sql: str) -> str:
    """Return the SHA-256 of stored rollback SQL: 64 hexadecimal digits."""
    return hashlib.sha256(rollback_sql.encode()).hexdigest()


def qualified(schema: str | None, name: str) -> Composable:
    """Return a quoted name, with its schema where there is one."""
    return Identifier(schema, name) if schema else Identifier(name)
