"""The table of the event log: its name and its columns."""

from __future__ import annotations

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger.table import Ledger, qualified
from scripts.engine.settings import EVENTS_SUFFIX

ADDED = {"statements": "integer", "rollback_sql": "text", "existing": "jsonb"}
"""Columns, added to a log that an older release made."""
_COLUMNS = {
    "id": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "at": "timestamptz NOT NULL DEFAULT clock_timestamp()",
    "event": "text NOT NULL",
    "version": "text",
    "filename": "text",
    "checksum": "text",
    "direction": "text",
    "statement": "integer",
    "line": "integer",
    "duration_ms": "bigint",
    "lock_wait_ms": "bigint",
    "sqlstate": "text",
    "error": "text",
    "db_user": "text NOT NULL DEFAULT session_user",
    "run": "text",
    "host": "text",
    "tool": "text",
    "git_commit": "text",
    "ci_run": "text",
    **ADDED,
}


def name(ledger: Ledger) -> Composable:
    """Return the quoted name of a ledger's event log."""
    return qualified(ledger.table.schema, f"{ledger.table.name}{EVENTS_SUFFIX}")


def creation(ledger: Ledger) -> list[Composable]:
    """Return the statements that make the table where it is not there."""
    columns = SQL(", ").join(
        SQL("{} ").format(Identifier(column)) + SQL(kind) for column, kind in _COLUMNS.items()
    )
    return [
        SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(name(ledger), columns),
        SQL("COMMENT ON TABLE {} IS {}").format(
            name(ledger), Literal("What runs of the migrations did, tried and failed to do")
        ),
    ]


def extension(ledger: Ledger, columns: frozenset[str]) -> list[Composable]:
    """Return the statements that add the columns which a log of an older release lacks.

    Args:
        ledger: whose log, which exists.
        columns: what it has; a table that lacks others is no log of ours, and is left alone.
    """
    if not set(_COLUMNS) - set(ADDED) <= columns:
        return []
    return [
        SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} ").format(name(ledger), Identifier(column))
        + SQL(kind)
        for column, kind in ADDED.items()
        if column not in columns
    ]


def columns(connection: Connection, ledger: Ledger) -> frozenset[str]:
    """Return the columns that the event log has; none where there is no log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attnum > 0 AND NOT attisdropped",
            (name(ledger).as_string(connection),),
        )
        return frozenset(column for (column,) in cursor)
