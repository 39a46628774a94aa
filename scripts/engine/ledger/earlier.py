"""The ledger of an earlier tool, recognised by its columns. Read-only.

Known are golang-migrate's (version, dirty: one row, what the database is at), dbmate's (version:
a row for each), and those of scripts that note more under names of their own.
https://github.com/golang-migrate/migrate/blob/master/database/postgres/README.md
https://github.com/amacneil/dbmate#migrations
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier

from scripts.engine.ledger.table import qualified
from scripts.engine.settings import TableName
from scripts.errors import LedgerError
from scripts.files import history

KEPT_SUFFIX = "_before"
"""What the name of a table that was in the way gets, when its rows have been taken over."""
_NAMES = {
    "version": ("version", "migration_version", "migration_id", "number", "revision"),
    "filename": ("filename", "file_name", "file", "migration_name", "script", "migration", "name"),
    "applied_at": (
        "applied_at",
        "applied_on",
        "applied_timestamp",
        "applied",
        "executed_at",
        "run_at",
        "run_on",
        "migrated_at",
        "installed_on",
        "created_at",
        "timestamp",
    ),
    "rollback_sql": ("rollback_sql", "rollback", "down_sql", "down", "rollback_script", "undo_sql"),
    "checksum": ("checksum", "file_checksum", "hash", "sha256", "md5", "content_hash"),
}
"""What a ledger's column is called elsewhere; capitals and underscores do not count."""
_DIGITS = re.compile("[0-9]{1,32}")
_COLUMNS = """
SELECT c.oid::regclass::text, n.nspname::text,
  coalesce(json_object_agg(a.attname, format_type(a.atttypid, NULL))
    FILTER (WHERE a.attname IS NOT NULL), '{}')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p') GROUP BY c.oid, n.nspname
"""
# A time without time zone, or as text, is in the session's zone: which one it was, nobody noted.
_AS_TIME: Mapping[str, str] = {
    "bigint": "to_timestamp({0} / CASE WHEN {0} > 100000000000 THEN 1000.0 ELSE 1 END)",
    "integer": "to_timestamp({0})",
}


class Row(NamedTuple):
    """One migration that an earlier tool has applied; None where it noted nothing."""

    number: int
    version: str
    """As the tool writes it."""
    filename: str | None = None
    applied_at: datetime | None = None
    rollback_sql: str | None = None
    checksum: str | None = None


class EarlierLedger(NamedTuple):
    """The ledger of an earlier tool."""

    table: TableName
    tool: str
    """Whose it is, for people."""
    columns: tuple[str, ...]
    """Those that were understood."""
    rows: tuple[Row, ...]
    """By version, the oldest first."""
    up_to: bool = False
    """Whether it has only the last version: all below it are applied as well."""

    @property
    def last(self) -> Row | None:
        """Return the last migration; None where there is none."""
        return self.rows[-1] if self.rows else None

    def __str__(self) -> str:
        """Return it for people."""
        if self.up_to:
            content = f"at {self.rows[-1].version}" if self.rows else "at no version"
        else:
            content = "1 row" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        return f"{self.table}, {self.tool} ({', '.join(self.columns)}; {content})"


def read(connection: Connection, table: TableName) -> EarlierLedger | None:
    """Read a table as the ledger of an earlier tool.

    Args:
        connection: in a transaction.
        table: where it may be.

    Returns:
        None where there is no such table.

    Raises:
        LedgerError: when its columns are those of no ledger, or its rows make no history.
    """
    name = qualified(table.schema, table.name)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, (name.as_string(connection),))
        row = cursor.fetchone()
    if row is None:
        return None
    _, schema, types = row
    found = TableName(schema, table.name)
    if set(types) == {"version", "dirty"}:
        return _of_golang_migrate(connection, found)
    columns = _columns(types)
    if set(types) == {"version"}:
        tool = "as dbmate keeps it"
    elif {"filename", "version"} & set(columns) and len(columns) > 1:
        tool = "a ledger of scripts"
    else:
        raise LedgerError(
            f"the table {found} is no ledger that is known",
            detail=f"it has: {', '.join(types)}",
            state="nothing was changed",
            hint="set MIGRATION_TABLE to another name if it is something else",
        )
    rows = sorted(_rows(connection, found, columns, types), key=lambda one: one.number)
    _check_unique(found, rows)
    return EarlierLedger(found, tool, tuple(columns.values()), tuple(rows))


def _columns(types: Iterable[str]) -> dict[str, str]:
    """Return which column has what: the table's name for each of ours."""
    plain = {re.sub("[^a-z0-9]", "", one.lower()): one for one in types}
    found: dict[str, str] = {}
    for ours, names in _NAMES.items():
        there = (plain.get(name.replace("_", "")) for name in names)
        column = next((one for one in there if one and one not in found.values()), None)
        if column:
            found[ours] = column
    return found


def _of_golang_migrate(connection: Connection, table: TableName) -> EarlierLedger:
    query = SQL("SELECT version::text, dirty FROM {} WHERE version >= 0").format(
        qualified(table.schema, table.name)
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    dirty = next((version for version, is_dirty in found if is_dirty), None)
    if dirty is not None:
        raise LedgerError(
            f"golang-migrate has marked version {dirty} as dirty: it failed half way",
            detail=f"the ledger is {table}",
            state="nothing was changed",
            hint=f"put the database right, then `migrate force {dirty}`, or the version below it",
        )
    rows = tuple(Row(history.number(version), version) for version, _ in found)
    _check_unique(table, rows)
    return EarlierLedger(table, "as golang-migrate keeps it", ("version", "dirty"), rows, True)


def _rows(
    connection: Connection, table: TableName, columns: Mapping[str, str], types: Mapping[str, str]
) -> list[Row]:
    def column(name: str, cast: Callable[[Composable, str], Composable]) -> Composable:
        own = columns.get(name)
        return SQL("NULL") if own is None else cast(Identifier(own), types[own])

    query = SQL("SELECT {}, {}, {}, {}, {} FROM {}").format(
        column("version", _text),
        column("filename", _text),
        column("applied_at", _time),
        column("rollback_sql", _text),
        column("checksum", _text),
        qualified(table.schema, table.name),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [_row(table, values) for values in cursor]


def _text(column: Composable, kind: str) -> Composable:
    if kind == "bytea":
        return SQL("encode({}, 'hex')").format(column)
    return SQL("{}::text").format(column)


def _time(column: Composable, kind: str) -> Composable:
    return SQL(_AS_TIME.get(kind, "{}::timestamptz")).format(column)


def _row(table: TableName, values: tuple[Any, ...]) -> Row:
    version, filename, *noted = values
    name = filename.replace("\\", "/").rpartition("/")[2] if filename else None
    # A number that counts rows is no version: the file's name has one.
    digits = _DIGITS.match(name or "") or _DIGITS.match(version or "")
    if digits is None:
        raise LedgerError(
            f"{table} has a row whose version is no number: {filename or version}",
            state="nothing was changed",
            hint="versions are numbers, such as 004 or 20240131120000: give the row its file's",
        )
    shown = digits.group()
    return Row(int(shown), shown, name, *noted)


def _check_unique(table: TableName, rows: Iterable[Row]) -> None:
    seen: dict[int, Row] = {}
    for row in rows:
        if row.number in seen:
            raise LedgerError(
                f"{table} has two rows for version {row.version}",
                state="nothing was changed",
                hint="delete the one that is wrong",
            )
        seen[row.number] = row
