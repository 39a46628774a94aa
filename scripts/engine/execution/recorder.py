"""Writes what a step has done: ledger, Alembic's version and event log, in one statement."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg2
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine import disclosure
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.executor import Note
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import GONE, Ledger, Record, qualified
from scripts.engine.session import signals
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.settings import TableName
from scripts.errors import Interrupted, LedgerError, MigrationError

_SAVEPOINT = "upskill_note"


class Recorder:
    """Writes to the database of a run."""

    def __init__(
        self, connection: RunConnection, ledger: Ledger, log: EventLog, lock: Lock | None
    ) -> None:
        """Write the ledger with the event log; the lock's session shows what others see."""
        self._name = connection.settings.name
        self._connection = connection
        self._ledger = ledger
        self._log = log
        self._lock = lock
        self.transaction = 0
        """The number of the transaction that wrote the last note, as `txid_status` takes it."""

    def create_ledger(self) -> None:
        """Create or complete the ledger's table.

        Raises:
            LedgerError: when that is not possible.
        """
        for statement in (*self._ledger.creation(), *self._ledger.version_table_creation()):
            self._executed(self._composed(statement))

    def note(self, note: Note) -> None:
        """Write what a step has done; see `Executor.record`."""
        told = self._log.rows(*note.events)
        move = (note.before, note.after) if note.before != note.after else None
        statement = self._composed(self._ledger.noting(note.ledger, move, told))
        try:
            row = self._connection.execute(f"SAVEPOINT {_SAVEPOINT}; {statement}")
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone: the outcome is looked up elsewhere
            self._connection.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
            by = note.events[0].filename or "the migration"
            self._check_there(error, by)
            if told is None:
                raise self._refused(error) from error
            # Leaving the log out shows whether it is the log that cannot be written.
            statement = self._composed(self._ledger.noting(note.ledger, move, None))
            row = self._executed(statement)
            self._log.lost(error, by)
        if row is None and move:
            raise LedgerError(
                f"alembic_version is no longer at {note.before}",
                detail="another session changed it during this run",
                hint="`python scripts/status.py` shows where the database is now",
            )
        self.transaction = row[0] if row else 0

    def _check_there(self, error: psycopg2.Error, by: str) -> None:
        """Name the file that removed the ledger or Alembic's table, if that made a write fail."""
        if error.pgcode not in GONE:
            return
        for table in (self._ledger.table, self._ledger.version_table):
            text = self._composed(qualified(table.schema, table.name))
            lookup = SQL("SELECT to_regclass({}) IS NULL").format(Literal(text))
            if (self._connection.execute(self._composed(lookup)) or (False,))[0]:
                raise self._taken_away(table, by) from error

    def _taken_away(self, table: TableName, by: str) -> LedgerError:
        """Return the error that says that a table of ours is gone.

        Args:
            table: the ledger, or Alembic's.
            by: the file that was at work.
        """
        ours = "the ledger" if table == self._ledger.table else "Alembic's table"
        # If others still see the table, this transaction's migration has removed it.
        if self._lock and self._lock.sees(table):
            return LedgerError(
                f"{by} dropped or renamed {ours} {table}",
                detail="the table belongs to this tool; a DO block or function in the file "
                "changed it",
                hint="remove that from the migration; if another tool's table is meant, set "
                "MIGRATION_TABLE to a name that no other tool uses",
            )
        return LedgerError(
            f"{ours} {table} cannot be written: {by} dropped or renamed it, or another session did",
            hint="rename it back; if it was dropped, "
            f"`alembic -n {self._name} stamp --purge VERSION` writes it again from the files, "
            "where VERSION is the last version whose statements took effect",
        )

    def _composed(self, statement: Composable) -> str:
        return statement.as_string(self._connection.raw)

    def _executed(self, statement: str) -> tuple[int, ...] | None:
        try:
            return self._connection.execute(statement)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone: the outcome is looked up elsewhere
            raise self._refused(error) from error

    def _refused(self, error: psycopg2.Error) -> MigrationError:
        if signals.received():
            return Interrupted(signals.received(), detail=disclosure.of_error(error))
        return LedgerError(
            f"cannot write the ledger {self._ledger.table}",
            detail=disclosure.of_error(error),
            hint="`python scripts/status.py` shows its content; if somebody changed it "
            "during this run, run the command again",
        )

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Make the ledger have exactly these versions, and record in the event log who did it."""
        for statement in self._ledger.mirror(records, kept):
            self._executed(self._composed(statement))
        self._log.prepare(self._connection.execute, Event(event=Kind.STAMP, version=reached))
