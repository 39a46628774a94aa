"""The event log: one row for each thing that a run did, tried or failed to do. Append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger.table import Ledger, qualified
from scripts.engine.settings import EVENTS_SUFFIX

if TYPE_CHECKING:
    from scripts.engine.ledger.origin import Origin


class Kind(Enum):
    """What happened."""

    START = "start"
    STATEMENT = "statement"
    """A statement outside a transaction is about to run; after a kill it is the last row."""
    SUCCESS = "success"
    ROLLBACK = "rollback"
    FAILURE = "failure"
    GIVEN_UP = "retry given up"
    STAMP = "stamp"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row, without the values that all rows of a run share; None where it does not apply."""

    event: Kind
    version: str | None = None
    filename: str | None = None
    checksum: str | None = None
    direction: str | None = None
    statement: int | None = None
    """The number of the statement in its section; the first is 1."""
    line: int | None = None
    duration_ms: int | None = None
    lock_wait_ms: int | None = None
    """How long it waited for another run, or for another session's lock."""
    sqlstate: str | None = None
    error: str | None = None
    statements: int | None = None
    """How many a file outside a transaction has: see `ledger.partial`."""
    rollback_sql: str | None = None
    """The SQL that undoes such a file if it ends half applied and the file is missing later."""
    existing: str | None = None
    """JSON: identities, before such a file runs, of the objects that its DOWN drops."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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


def insertion(ledger: Ledger, origin: Origin, events: Sequence[Event], encoding: str) -> Composable:
    """Return the statement that appends rows.

    Args:
        ledger: whose log.
        origin: what is the same for all rows of the run.
        events: the rows.
        encoding: the server's, as it names it: one that is not UTF8 can't hold every character.
    """
    # A log of an older release gets its new columns when a run has something to do; until then rows
    # that need none of them are written all the same.
    own = [
        field.name
        for field in fields(Event)
        if field.name not in ADDED
        or any(getattr(event, field.name) is not None for event in events)
    ]
    about = {key: value or None for key, value in asdict(origin).items()}
    rows = SQL(", ").join(
        SQL("({})").format(
            SQL(", ").join(
                Literal(_storable(value, encoding))
                for value in (*(getattr(event, column) for column in own), *about.values())
            )
        )
        for event in events
    )
    return SQL("INSERT INTO {} ({}) VALUES {}").format(
        name(ledger), SQL(", ").join(Identifier(column) for column in (*own, *about)), rows
    )


def _storable(value: Any, encoding: str) -> Any:
    if isinstance(value, Kind):
        return value.value
    if isinstance(value, str):
        text = value.replace("\0", "\\x00")
        return text if encoding == "UTF8" else text.encode("ascii", "backslashreplace").decode()
    return value


def columns(connection: Connection, ledger: Ledger) -> frozenset[str]:
    """Return the columns that the event log has; none where there is no log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attnum > 0 AND NOT attisdropped",
            (name(ledger).as_string(connection),),
        )
        return frozenset(column for (column,) in cursor)


def latest(connection: Connection, ledger: Ledger, count: int) -> list[Row]:
    """Read the last rows, the oldest of them first.

    Args:
        connection: where to read.
        ledger: whose log, which exists.
        count: how many at most.
    """
    columns = [field.name for field in fields(Row)]
    query = SQL("SELECT {} FROM {} ORDER BY id DESC LIMIT {}").format(
        SQL(", ").join(Identifier(column) for column in columns), name(ledger), Literal(count)
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [_row(columns, values) for values in reversed(cursor.fetchall())]


def _row(columns: Sequence[str], values: Sequence[Any]) -> Row:
    return Row(**dict(zip(columns, values, strict=True)))
