"""Writes what a step has done: ledger, Alembic's version and event log, in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import psycopg2
from psycopg2.sql import Composable

from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import Ledger, Record
from scripts.engine.run.event_log import EventLog
from scripts.engine.run.execution import Execute
from scripts.engine.session import signals
from scripts.engine.session.diagnosis import explained
from scripts.errors import Interrupted, LedgerError

Move = tuple[str, str]
"""The version that Alembic's table has, and the one that it gets."""
_SAVEPOINT = "upskill_note"


class Recorder(Protocol):
    """Writes the ledger, online or into a script."""

    def begin(self, *, at_base: bool) -> None:
        """Know whether Alembic has a version, before the first step."""

    def note(
        self, note: Composable, move: Move | None, happened: Sequence[Event], state: str
    ) -> None:
        """Write what a step has done.

        Args:
            note: what writes the ledger.
            move: how Alembic's version moves, where that is left to us.
            happened: the rows for the event log.
            state: what the database looks like if this fails.

        Raises:
            LedgerError: when it can't be written, or Alembic's version is another one.
        """

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Make the ledger have just these versions; see `Ledger.mirror`."""


@dataclass(kw_only=True)
class OnlineRecorder:
    """Writes to the database."""

    name: str
    """The environment's."""
    ledger: Ledger
    execute: Execute
    compose: Callable[[Composable], str]
    log: EventLog
    transaction: int = field(default=0, init=False)
    """The number of the transaction that wrote the last note, as `txid_status` takes it."""

    def begin(self, *, at_base: bool) -> None:
        """Need not know: what was found in the database says it."""

    def create_ledger(self) -> None:
        """Make the ledger's table what it has to be.

        Raises:
            LedgerError: when that can't be done.
        """
        for statement in self.ledger.creation():
            self._executed(self.compose(statement), "nothing was changed")

    def note(
        self, note: Composable, move: Move | None, happened: Sequence[Event], state: str
    ) -> None:
        """Write what a step has done; see `Recorder.note`."""
        told = self.log.rows(*happened)
        statement = self.compose(self.ledger.noting(note, move, told))
        if told is None:
            row = self._executed(statement, state)
        else:
            try:
                row = self.execute(f"SAVEPOINT {_SAVEPOINT}; {statement}")
            except psycopg2.Error as error:
                if error.pgcode is None:
                    raise
                self.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
                # Whether it is the log that can't be written shows when it is left out.
                row = self._executed(self.compose(self.ledger.noting(note, move, None)), state)
                self.log.lost(error)
        if row is None and move:
            raise LedgerError(
                f"{self.name}: alembic_version is no longer at {move[0]}",
                detail="somebody else changed it while this run was at work",
                state=state,
                way_out="python scripts/status.py shows where the database is now",
            )
        self.transaction = row[0] if row else 0

    def _executed(self, statement: str, state: str) -> tuple[int, ...] | None:
        try:
            return self.execute(statement)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone: there is more to find out
            if signals.received():
                interrupted = Interrupted(signals.received(), detail=explained(error))
                interrupted.what = f"{self.name}: {interrupted.what}"
                interrupted.state = state
                raise interrupted from error
            raise LedgerError(
                f"{self.name}: the ledger {self.ledger.table} can't be written",
                detail=explained(error),
                state=state,
                way_out="python scripts/status.py shows what it has; if it was changed by hand "
                "while this run was at work, run the command again",
            ) from error

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Make the ledger have just these versions, and say in the log who did it."""
        for statement in self.ledger.mirror(records, kept):
            self._executed(self.compose(statement), "rolled back")
        self.log.prepare(self.execute, Event(event=Kind.STAMP, version=reached))
