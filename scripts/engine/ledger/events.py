"""What goes into the event log: one row for each thing that a run did, tried or failed to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger import event_table
from scripts.engine.ledger.origin import Origin
from scripts.engine.ledger.table import Ledger


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
        if field.name not in event_table.ADDED
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
        event_table.name(ledger),
        SQL(", ").join(Identifier(column) for column in (*own, *about)),
        rows,
    )


def _storable(value: Any, encoding: str) -> Any:
    if isinstance(value, Kind):
        return value.value
    if isinstance(value, str):
        text = value.replace("\0", "\\x00")
        return text if encoding == "UTF8" else text.encode("ascii", "backslashreplace").decode()
    return value
