"""What goes into the event log: one row for each thing that a run did, tried or failed to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields
from enum import Enum
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import encodings
from psycopg2.sql import SQL, Identifier

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
    """How many a file outside a transaction has: see `ledger.unfinished`."""
    rollback_sql: str | None = None
    """The SQL that undoes such a file if it ends half applied and the file is missing later."""
    existing: str | None = None
    """JSON: identities, before such a file runs, of the objects that its DOWN drops."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """Writes rows as SQL: the same columns again and again, so that they are written out once."""

    ledger: Ledger
    origin: Origin
    """What is the same for all rows of the run."""
    encoding: str
    """The server's, as it names it: one that is not UTF8 can't hold every character."""
    _heads: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What the statements begin with, by their columns."""

    def text(self, connection: Connection, events: Sequence[Event]) -> str:
        """Return the statement that appends rows, with the quoting of a connection."""
        # A log of an older release gets its new columns when a run has something to do; until then
        # rows that need none of them are written all the same.
        own = tuple(
            name
            for name in _NAMES
            if name not in event_table.ADDED
            or any(getattr(event, name) is not None for event in events)
        )
        about = tuple(value or None for value in astuple(self.origin))
        row = f"({', '.join(['%s'] * (len(own) + len(about)))})"
        values = [
            _storable(value, self.encoding)
            for event in events
            for value in (*(getattr(event, name) for name in own), *about)
        ]
        with connection.cursor() as cursor:
            rows = cursor.mogrify(", ".join([row] * len(events)), values)
        return f"{self._head(connection, own)} {rows.decode(encodings[connection.encoding])}"

    def _head(self, connection: Connection, own: tuple[str, ...]) -> str:
        if own not in self._heads:
            columns = SQL(", ").join(Identifier(name) for name in (*own, *_ABOUT))
            head = SQL("INSERT INTO {} ({}) VALUES").format(event_table.name(self.ledger), columns)
            self._heads[own] = head.as_string(connection)
        return self._heads[own]


_NAMES = tuple(one.name for one in fields(Event))
_ABOUT = tuple(one.name for one in fields(Origin))


def _storable(value: Any, encoding: str) -> Any:
    if isinstance(value, Kind):
        return value.value
    if isinstance(value, str):
        text = value.replace("\0", "\\x00")
        return text if encoding == "UTF8" else text.encode("ascii", "backslashreplace").decode()
    return value
