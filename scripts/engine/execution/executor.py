"""Runs a step and records it, on a server or in a script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from psycopg2.sql import Composable

from scripts.engine.ledger.changes import Change
from scripts.engine.ledger.events import Event
from scripts.engine.ledger.table import Record
from scripts.engine.step import Step


class Performed(NamedTuple):
    """How long a section took, and what it found."""

    duration: Composable | int
    """Milliseconds; in a script what the server works out."""
    duration_ms: int
    lock_wait_ms: int
    existed: Composable
    """What existed before UP, as the ledger stores it; see `objects.existing`."""


class Note(NamedTuple):
    """What is to be written once a section has run."""

    change: Change
    """What is written to the ledger, or taken away."""
    before: str
    """The version that the database is at."""
    after: str
    """The version that it comes to."""
    events: tuple[Event, ...] = ()
    """The rows for the event log."""


class Executor(Protocol):
    """Runs sections and writes what they did."""

    def run(self, step: Step) -> Performed:
        """Run a section's statements.

        Raises:
            StatementError: when the server refuses one.
            LockError: when the lock is lost in a file outside a transaction.
            Interrupted: when a signal came.
        """

    def record(self, note: Note) -> None:
        """Write ledger, Alembic's version and event log.

        Raises:
            LedgerError: when they cannot be written, or Alembic's version is another one.
        """

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Make the ledger have exactly these versions; see `Ledger.mirror`."""
