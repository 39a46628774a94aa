"""The event log's rows, as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger


class Row(NamedTuple):
    """One row, as it is shown."""

    at: datetime
    event: str
    version: str | None
    filename: str | None
    checksum: str | None
    direction: str | None
    statement: int | None
    line: int | None
    duration_ms: int | None
    lock_wait_ms: int | None
    sqlstate: str | None
    error: str | None
    db_user: str
    run: str | None
    host: str | None
    tool: str | None
    git_commit: str | None
    ci_run: str | None


def latest(connection: Connection, ledger: Ledger, count: int, run: str | None = None) -> list[Row]:
    """Read the last rows, the oldest of them first.

    Args:
        connection: where to read.
        ledger: whose log, which exists.
        count: how many at most, unless a run is asked for.
        run: the beginning of the name of the only run that is wanted, whole; the last such run.
    """
    columns = Row._fields
    chosen: Composable = SQL("")
    most: Composable = Literal(count)
    if run is not None:
        chosen = SQL(
            " WHERE run = (SELECT run FROM {} WHERE starts_with(run, {}) ORDER BY id DESC LIMIT 1)"
        ).format(event_table.name(ledger), Literal(run))
        most = SQL("ALL")
    query = SQL("SELECT {} FROM {}{} ORDER BY id DESC LIMIT {}").format(
        SQL(", ").join(Identifier(column) for column in columns),
        event_table.name(ledger),
        chosen,
        most,
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [_row(columns, values) for values in reversed(cursor.fetchall())]


def _row(columns: Sequence[str], values: Sequence[Any]) -> Row:
    return Row(**dict(zip(columns, values, strict=True)))
