"""The ledger of an earlier tool, recognised by its columns. Read-only.

Known are golang-migrate's (version, dirty: one row, what the database is at), dbmate's (version:
a row for each), and those of scripts that note more under names of their own.
https://github.com/golang-migrate/migrate/blob/master/database/postgres/README.md
https://github.com/amacneil/dbmate#migrations
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL

from scripts.engine import disclosure
from scripts.engine.ledger import earlier_columns
from scripts.engine.ledger.table import qualified
from scripts.engine.settings import TableName
from scripts.errors import LedgerError, counted

KEPT_SUFFIX = "_before"
"""What the name of a table that was in the way gets, when its rows have been taken over."""
_UNCHANGED = "nothing was changed"
_NUMBERED = re.compile("([0-9]{1,32})[_.-]")
_NUMBER = re.compile("[0-9]{1,32}")
_COLUMNS = """
SELECT n.nspname::text, c.relkind::text,
  coalesce(json_object_agg(a.attname, format_type(a.atttypid, NULL) ORDER BY a.attnum)
    FILTER (WHERE a.attname IS NOT NULL), '{}')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass(%s) GROUP BY n.nspname, c.relkind
"""


class Row(NamedTuple):
    """One migration that an earlier tool has applied; None where it noted nothing."""

    number: int
    version: str
    """As the tool writes it."""
    filename: str | None = None
    applied_at: datetime | None = None
    rollback_sql: str | None = None
    checksum: str | None = None
    other: int | None = None
    """The number in its version column, where the file's name has another one."""


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
            content = counted(len(self.rows), "row")
        return f"{self.table}, {self.tool} ({', '.join(self.columns)}; {content})"


def read(connection: Connection, table: TableName) -> EarlierLedger | None:
    """Read a table as the ledger of an earlier tool.

    Args:
        connection: in a transaction.
        table: where it may be.

    Returns:
        None where there is no such table.

    Raises:
        LedgerError: when its columns are those of no ledger, it says of a migration that it is not
            applied, or its rows make no history.
    """
    name = qualified(table.schema, table.name)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, (name.as_string(connection),))
        row = cursor.fetchone()
    if row is None:
        return None
    schema, kind, types = row
    found = TableName(schema, table.name)
    if kind not in ("r", "p"):
        raise LedgerError(
            f"{found} is no table, so no ledger can be taken over or made there",
            state=_UNCHANGED,
            hint="set MIGRATION_TABLE to another name",
        )
    columns = earlier_columns.found(types)
    tool, up_to = _tool(found, types, columns)
    _check_applied(connection, found, types)
    rows = sorted(_rows(connection, found, columns, types), key=lambda one: one.number)
    _check_unique(found, rows)
    return EarlierLedger(found, tool, tuple(columns.values()), tuple(rows), up_to)


def _tool(
    table: TableName, types: Mapping[str, str], columns: Mapping[str, str]
) -> tuple[str, bool]:
    """Return whose a ledger is, and whether it has the last version alone."""
    if set(types) == {"version", "dirty"}:
        return "as golang-migrate keeps it", True
    if set(types) == {"version"}:
        return "as dbmate keeps it", False
    if {"filename", "version"} & set(columns) and len(columns) > 1:
        return "a ledger of scripts", False
    raise LedgerError(
        f"the table {table} is no ledger that is known",
        detail=f"it has: {', '.join(types)}",
        state=_UNCHANGED,
        hint="set MIGRATION_TABLE to another name if it is something else",
    )


def _check_applied(connection: Connection, table: TableName, types: Iterable[str]) -> None:
    """Refuse a ledger that says of a migration that it failed, or was undone."""
    for column, condition in earlier_columns.not_applied(types).items():
        query = SQL("SELECT to_jsonb(t) FROM {} t WHERE ").format(
            qualified(table.schema, table.name)
        )
        with connection.cursor() as cursor:
            cursor.execute(query + condition)
            row = cursor.fetchone()
        if row:
            known = (row[0].get(name) for name in ("version", "filename", "name"))
            about = next((str(one) for one in known if one is not None), "one row")
            raise LedgerError(
                f"{table} does not say that {about} is applied: {column} is {row[0].get(column)}",
                state=_UNCHANGED,
                hint="put the database right with the tool that has written it, and then its row",
            )


def _rows(
    connection: Connection, table: TableName, columns: Mapping[str, str], types: Mapping[str, str]
) -> list[Row]:
    query = SQL("SELECT {} FROM {}").format(
        earlier_columns.values(columns, types), qualified(table.schema, table.name)
    )
    with connection.cursor() as cursor:
        try:
            cursor.execute(query)
            # golang-migrate writes -1 when all is rolled back.
            return [_row(table, one) for one in cursor.fetchall() if one[0] != "-1"]
        except (psycopg2.DataError, ValueError) as error:
            if "applied_at" not in columns:
                raise
            raise LedgerError(
                f"the column {columns['applied_at']} of {table} has something that is no time",
                detail=disclosure.of_exception(error),
                state=_UNCHANGED,
                hint="correct it, or set it to NULL: then the time of the takeover stands for it",
            ) from error


def _row(table: TableName, values: tuple[Any, ...]) -> Row:
    version, filename, applied_at, rollback_sql, checksum = values
    name = filename.replace("\\", "/").rpartition("/")[2] if filename else None
    # A number that counts rows is no version: the file's name has one.
    numbered = _NUMBERED.match(name or "")
    number = numbered[1] if numbered else version or ""
    if not _NUMBER.fullmatch(number):
        raise LedgerError(
            f"{table} has a row whose version is no number: {version or filename}",
            state=_UNCHANGED,
            hint="versions are numbers, such as 004 or 20240131120000: give the row its file's",
        )
    has_other = version and _NUMBER.fullmatch(version) and int(version) != int(number)
    other = int(version) if has_other else None
    return Row(int(number), number, name, applied_at, rollback_sql, checksum, other)


def _check_unique(table: TableName, rows: Iterable[Row]) -> None:
    seen: dict[int, Row] = {}
    for row in rows:
        if row.number in seen:
            raise LedgerError(
                f"{table} has two rows for version {row.version}",
                state=_UNCHANGED,
                hint="delete the one that is wrong",
            )
        seen[row.number] = row
