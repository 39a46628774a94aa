"""A ledger in another schema than expected, for example after a change of the search path.

`ALTER DATABASE … SET search_path` moves the place where a table without a schema is looked for, and
with it the ledger: the whole history would run again, into a second one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL

from scripts.engine import disclosure
from scripts.engine.ledger import ownership
from scripts.engine.ledger.ownership import Whose
from scripts.engine.ledger.table import Ledger, Namesake, qualified
from scripts.engine.session import signals
from scripts.engine.settings import TableName
from scripts.errors import LedgerError, counted
from scripts.files.history import History
from scripts.files.project import Environment, shown

_SHOWN = 3
"""How many tables a message names: there may be hundreds of schemas, one per customer."""
_BACK = "ROLLBACK TO SAVEPOINT elsewhere; RELEASE SAVEPOINT elsewhere"
"""Releases the lock on what was read, and restores the timeout."""
_LOCK_TIMEOUT_MS = 200
"""For a table that may have nothing to do with us."""


class _Other(NamedTuple):
    """A ledger of this environment in another schema."""

    table: TableName
    rows: int
    last: str
    """The file name of its newest row."""

    def __str__(self) -> str:
        return f"{self.table} ({counted(self.rows, 'row')}, the newest: {self.last})"


class _Doubtful(NamedTuple):
    """A table that may be the ledger: nobody can tell."""

    table: TableName
    reason: str


def check(connection: Connection, ledger: Ledger, entries: History) -> tuple[str, ...]:
    """Check whether the environment's ledger is elsewhere, where the one that was found is empty.

    Args:
        connection: where to look; in a transaction.
        ledger: what was found where it was looked for, and the tables that have its name.
        entries: the environment's files: a row with the name of one shows whose ledger it is.

    Returns:
        A warning that does not stop the run: tables that may be it.

    Raises:
        LedgerError: when there is one elsewhere, and none where it is looked for.
    """
    looked = [_look(connection, one, entries) for one in ledger.namesakes]
    others = [one for one in looked if isinstance(one, _Other)]
    if others:
        raise _error(connection, ledger, entries.environment, others)
    doubtful = [one for one in looked if isinstance(one, _Doubtful)]
    return (_unknown(ledger, doubtful),) if doubtful else ()


def _look(
    connection: Connection, namesake: Namesake, entries: History
) -> _Other | _Doubtful | None:
    table = namesake.table
    if not namesake.readable:
        return _Doubtful(table, "this user may not read it")
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT elsewhere")
        try:
            rows = _read(connection, table)
            cursor.execute(_BACK)
        except psycopg2.Error as error:
            signals.check()
            if connection.closed:
                raise
            # It is locked, or has a policy; it may not even be ours.
            cursor.execute(_BACK)
            return _Doubtful(
                table, f"it cannot be read: {disclosure.of_error(error).splitlines()[0]}"
            )
    return _judged(table, rows, entries)


def _read(connection: Connection, table: TableName) -> list[tuple[str, str]]:
    # Another tool's columns may be of types that have no order.
    query = SQL(
        "SELECT coalesce(filename::text, ''), coalesce(checksum::text, '') FROM {}"
        " ORDER BY applied_at::text, version::text"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
        cursor.execute(query.format(qualified(table.schema, table.name)))
        return cursor.fetchall()


def _judged(
    table: TableName, rows: Sequence[tuple[str, str]], entries: History
) -> _Other | _Doubtful | None:
    """Tell whether rows are this environment's, and not another's that has files of such names.

    One row that is a file of ours alone is enough. Files may have been changed since, so names
    count too: most of them have to be ours, and no file certainly a neighbour's.
    """
    environment = entries.environment
    root = environment.sql.parent
    others = [one for one in root.iterdir() if one.is_dir() and one != environment.sql]
    found = list(ownership.verdicts(rows, entries, others))
    count = Counter(one.whose for one in found)
    known = len(rows) - count[Whose.THEIRS] - count[Whose.UNKNOWN]
    by_name = count[Whose.OUR_NAME] and not count[Whose.THEIRS] and 2 * known >= len(rows)
    if count[Whose.OURS] or by_name:
        return _Other(table, len(rows), rows[-1][0])
    if count[Whose.SHARED] and not count[Whose.THEIRS]:
        owners = dict.fromkeys(f"sql/{one.owner}" for one in found if one.owner)
        return _Doubtful(table, f"{' and '.join(owners)} has the same files")
    return None


def _error(
    connection: Connection, ledger: Ledger, environment: Environment, others: list[_Other]
) -> LedgerError:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        path = (cursor.fetchone() or ("",))[0]
    ranked = sorted(others, key=lambda one: one.rows, reverse=True)
    first = ranked[0].table
    shown_ones = ", ".join(map(str, ranked[:_SHOWN]))
    empty = "has no row" if ledger.exists else "is not there"
    return LedgerError(
        f"the ledger is {first}, not {ledger.table}",
        detail=f"of {shown(environment.sql)}: {shown_ones}{_more(ranked)}\n"
        f"{ledger.table} {empty}, and MIGRATION_TABLE has no schema, so the search_path "
        f"decides: it is {path or 'empty'} now\n"
        "a run would apply every migration again",
        state="nothing was changed",
        hint=f"set MIGRATION_TABLE={first.setting} to use it; "
        f"MIGRATION_TABLE={ledger.table.setting} to start a new one",
    )


def _more(ones: Sequence[object]) -> str:
    return f" and {len(ones) - _SHOWN} more" if len(ones) > _SHOWN else ""


def _unknown(ledger: Ledger, doubtful: Sequence[_Doubtful]) -> str:
    names = ", ".join(str(one.table) for one in doubtful[:_SHOWN])
    taken = "has no row yet" if ledger.exists else "does not exist yet"
    return (
        f"{names}{_more(doubtful)} may be its ledger ({doubtful[0].reason}); "
        f"using {ledger.table}, which {taken}. "
        f"Set MIGRATION_TABLE={doubtful[0].table.setting} if it is"
    )
