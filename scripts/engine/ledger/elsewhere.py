"""A ledger that lies elsewhere than where it is looked for, as after a change of the search path.

`ALTER DATABASE … SET search_path` moves the place where a table without a schema is looked for, and
with it the ledger: the whole history would run again, into a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL

from scripts.engine.ledger.table import Ledger, Namesake, qualified
from scripts.engine.settings import TableName
from scripts.errors import LedgerError
from scripts.files import migration_file
from scripts.files.history import History
from scripts.files.project import Environment, shown


@dataclass(frozen=True, slots=True)
class _Other:
    """A ledger of this environment in another schema."""

    table: TableName
    rows: int
    last: str
    """The file name of its newest row."""

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{self.table} ({rows}, the newest: {self.last})"


def check(connection: Connection, ledger: Ledger, entries: History) -> tuple[str, ...]:
    """Look whether the environment's ledger lies elsewhere.

    Args:
        connection: where to look.
        ledger: what was found where it was looked for, and the tables that have its name.
        entries: the environment's files: a row with the name of one shows whose ledger it is.

    Returns:
        What has to be said of it, and keeps nobody from running: a second ledger beside the one
        that was found, a table that can't be read.

    Raises:
        LedgerError: when there is one elsewhere, and none where it is looked for.
    """
    readable = [one.table for one in ledger.namesakes if one.readable]
    others = [found for table in readable if (found := _read(connection, table, entries))]
    if others and not ledger.exists:
        raise _error(connection, ledger, entries.environment, others)
    unreadable = [one for one in ledger.namesakes if not one.readable and not ledger.exists]
    return (
        *(_second(ledger, one) for one in others),
        *(_unknown(ledger, one) for one in unreadable),
    )


def _read(connection: Connection, table: TableName, entries: History) -> _Other | None:
    # Another tool's columns may be of types that have no order.
    query = SQL(
        "SELECT coalesce(filename::text, ''), coalesce(checksum::text, '') FROM {}"
        " ORDER BY applied_at::text, version::text"
    )
    with connection.cursor() as cursor:
        cursor.execute(query.format(qualified(table.schema, table.name)))
        rows = cursor.fetchall()
    ours = _is_ours(rows, entries.environment)
    return _Other(table, len(rows), rows[-1][0]) if ours else None


def _is_ours(rows: Sequence[tuple[str, str]], environment: Environment) -> bool:
    """Tell whether rows are this environment's, and not another's that has files of such names.

    One row with the name and the text of a file is enough. Files may have been changed since, so
    names alone count too: most of them have to be ours, and no text a neighbour's.
    """
    if _has_text_of(environment.sql, rows):
        return True
    names = _files(environment.sql)
    known = [name for name, _ in rows if name in names]
    if 2 * len(known) < max(len(rows), 1):
        return False
    root = environment.sql.parent
    return not any(_has_text_of(folder, rows) for folder in root.iterdir() if folder.is_dir())


def _has_text_of(folder: Path, rows: Sequence[tuple[str, str]]) -> bool:
    files = _files(folder)
    return any(
        migration_file.checksum(files[name].read_bytes()) == checksum
        for name, checksum in rows
        if name in files
    )


def _files(folder: Path) -> dict[str, Path]:
    """Return a folder's files by name: a row may hold anything, and no path is made of it."""
    return {path.name: path for path in folder.glob("*.sql") if path.is_file()}


def _error(
    connection: Connection, ledger: Ledger, environment: Environment, others: list[_Other]
) -> LedgerError:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        path = (cursor.fetchone() or ("",))[0]
    first = max(others, key=lambda one: one.rows).table
    return LedgerError(
        f"{environment.name}: the ledger is {first}, and is looked for as {ledger.table}",
        detail=f"of {shown(environment.sql)}: {', '.join(map(str, others))}\n"
        f"there is no {ledger.table}, and MIGRATION_TABLE names no schema: the search_path, which "
        f"is {path or 'empty'} now, says where to look\n"
        "a run would apply all of it again",
        state="nothing was changed",
        way_out=f"set MIGRATION_TABLE={first.setting} to go on with it; "
        f"MIGRATION_TABLE={ledger.table.setting} begins a new ledger",
    )


def _second(ledger: Ledger, other: _Other) -> str:
    return (
        f"there is a second ledger of its files, {other}, beside {ledger.table}, which the "
        f"search_path leads to: find out which one is right, and set MIGRATION_TABLE="
        f"{other.table.setting} or {ledger.table.setting}"
    )


def _unknown(ledger: Ledger, other: Namesake) -> str:
    return (
        f"{other.table} may be its ledger, and can't be read by this user; {ledger.table} is "
        f"taken, which is not there yet. Set MIGRATION_TABLE={other.table.setting} if it is"
    )
