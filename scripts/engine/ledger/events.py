"""What goes into the event log: one row for each thing that a run did, tried or failed to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import encodings
from psycopg2.sql import SQL, Identifier, Literal

from scripts.engine.ledger import event_table
from scripts.engine.ledger.origin import Origin
from scripts.engine.ledger.table import Ledger
from scripts.engine.session import quoting


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
    REPAIR = "repair"


class Event(NamedTuple):
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


class RowTexts:
    """Writes rows as SQL: the same columns again and again, so that they are composed once."""

    def __init__(self, ledger: Ledger, origin: Origin, encoding: str) -> None:
        """Write for the log of a ledger.

        Args:
            ledger: whose log.
            origin: what is the same for all rows of the run.
            encoding: the server's, as it names it: one that is not UTF8 can't hold every character.
        """
        self._ledger = ledger
        self._encoding = encoding
        self._origin = {name: value or None for name, value in origin._asdict().items()}
        self._known: dict[tuple[str, ...], _Columns] = {}

    def text(self, connection: Connection, events: Sequence[Event]) -> str:
        """Return the statement that appends rows, with the quoting of a connection."""
        # A log of an older release gets its new columns when a run has something to do; until then
        # rows that need none of them are written all the same.
        added = tuple(
            name
            for name in event_table.ADDED
            if any(getattr(event, name) is not None for event in events)
        )
        if added not in self._known:
            self._known[added] = self._columns(connection, added)
        columns = self._known[added]
        values = [
            quoting.safe(_storable(value, self._encoding))
            for event in events
            for value in columns.values(event)
        ]
        with connection.cursor() as cursor:
            rows = cursor.mogrify(", ".join([columns.row] * len(events)), values)
        return f"{columns.head} {rows.decode(encodings[connection.encoding])}"

    def _columns(self, connection: Connection, added: tuple[str, ...]) -> _Columns:
        own = (*_ALWAYS, *added)
        names = SQL(", ").join(Identifier(column) for column in (*own, *self._origin))
        head = SQL("INSERT INTO {} ({}) VALUES").format(event_table.name(self._ledger), names)
        origin = SQL(", ").join(
            Literal(quoting.safe(_storable(value, self._encoding)))
            for value in self._origin.values()
        )
        # For the driver, `%` begins a placeholder.
        about = origin.as_string(connection).replace("%", "%%")
        return _Columns(
            head=head.as_string(connection),
            row=f"({', '.join(['%s'] * len(own))}, {about})",
            values=attrgetter(*(_VALUES.get(name, name) for name in own)),
        )


class _Columns(NamedTuple):
    """What rows with the same columns have in common."""

    head: str
    """What their statement begins with."""
    row: str
    """A row, with placeholders for what is not the same for all rows of the run."""
    values: Callable[[Event], tuple[Any, ...]]
    """Returns what takes their place."""


_ALWAYS = tuple(name for name in Event._fields if name not in event_table.ADDED)
_VALUES = {"event": "event.value"}


def _storable(value: Any, encoding: str) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "\\x00") if "\0" in value else value
    return text if encoding == "UTF8" else text.encode("ascii", "backslashreplace").decode()
