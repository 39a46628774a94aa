"""Writes what a step has done: ledger, Alembic's version and event log, in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import psycopg2
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine import disclosure
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.statement import Execute
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import GONE, Ledger, Record, qualified
from scripts.engine.session import signals
from scripts.engine.settings import TableName
from scripts.errors import Interrupted, LedgerError, MigrationError

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
    is_seen_apart: Callable[[TableName], bool]
    """Tells whether another session sees a table."""
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
        try:
            row = self.execute(f"SAVEPOINT {_SAVEPOINT}; {statement}")
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone: there is more to find out
            self.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
            by = happened[0].filename or "the migration"
            self._check_there(error, by, state)
            if told is None:
                raise self._refused(error, state) from error
            # Whether it is the log that can't be written shows when it is left out.
            row = self._executed(self.compose(self.ledger.noting(note, move, None)), state)
            self.log.lost(error, by)
        if row is None and move:
            raise LedgerError(
                f"{self.name}: alembic_version is no longer at {move[0]}",
                detail="somebody else changed it while this run was at work",
                state=state,
                way_out="python scripts/status.py shows where the database is now",
            )
        self.transaction = row[0] if row else 0

    def _check_there(self, error: psycopg2.Error, by: str, state: str) -> None:
        """Name who took the ledger or Alembic's table away, where that is why a note failed."""
        if error.pgcode not in GONE:
            return
        for table in (self.ledger.table, self.ledger.version_table):
            text = self.compose(qualified(table.schema, table.name))
            lookup = SQL("SELECT to_regclass({}) IS NULL").format(Literal(text))
            if (self.execute(self.compose(lookup)) or (False,))[0]:
                raise self.taken_away(table, by, state) from error

    def taken_away(self, table: TableName, by: str, state: str) -> LedgerError:
        """Return the error that says that a table of ours is gone.

        Args:
            table: the ledger, or Alembic's.
            by: the file that was at work.
            state: what has become of it.
        """
        ours = "the ledger" if table == self.ledger.table else "Alembic's table"
        # What others still see has been taken away in this transaction, by its migration.
        if self.is_seen_apart(table):
            return LedgerError(
                f"{self.name}: {by} dropped or renamed {ours} {table}",
                detail="it is this tool's own: a DO block or a function of the file has done it",
                state=state,
                way_out="take that out of the migration; if it means another tool's table, set "
                "MIGRATION_TABLE to a name that no other tool has",
            )
        return LedgerError(
            f"{self.name}: {ours} {table} can't be written: {by} dropped or renamed it, or another "
            "session did",
            state=state,
            way_out="rename it back; if it was dropped, "
            f"`alembic -n {self.name} stamp --purge VERSION` writes it anew from the files, "
            "VERSION being the last one whose statements have taken effect",
        )

    def _executed(self, statement: str, state: str) -> tuple[int, ...] | None:
        try:
            return self.execute(statement)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone: there is more to find out
            raise self._refused(error, state) from error

    def _refused(self, error: psycopg2.Error, state: str) -> MigrationError:
        if signals.received():
            interrupted = Interrupted(signals.received(), detail=disclosure.of_error(error))
            interrupted.what = f"{self.name}: {interrupted.what}"
            interrupted.state = state
            return interrupted
        return LedgerError(
            f"{self.name}: the ledger {self.ledger.table} can't be written",
            detail=disclosure.of_error(error),
            state=state,
            way_out="python scripts/status.py shows what it has; if it was changed by hand "
            "while this run was at work, run the command again",
        )

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Make the ledger have just these versions, and say in the log who did it."""
        for statement in self.ledger.mirror(records, kept):
            self._executed(self.compose(statement), "rolled back")
        self.log.prepare(self.execute, Event(event=Kind.STAMP, version=reached))
