"""Writes what a step has done: ledger, Alembic's version and event log, in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_INERROR as _IN_ERROR
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine import disclosure
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.executor import Note
from scripts.engine.execution.note_texts import NoteTexts
from scripts.engine.ledger import alembic_version, changes
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import GONE, Ledger, Record, qualified
from scripts.engine.session import quoting, signals
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
        self._texts = NoteTexts(connection.raw, ledger)

    def create_ledger(self) -> None:
        """Create or complete the ledger's table.

        Raises:
            LedgerError: when that is not possible.
        """
        needed = (*self._ledger.creation(), *self._ledger.version_table_creation())
        if needed:
            self._executed("; ".join(self._composed(statement) for statement in needed))

    def note(self, note: Note) -> int:
        """Write what a step has done; see `Executor.record`.

        Returns:
            The number of the transaction, as `txid_status` takes it.
        """
        row = self._noted(note, "")
        return int(row[0]) if row else 0

    def commit(self, note: Note, opening: str) -> tuple[Any, ...] | None:
        """Write what a step has done, commit it, and begin the next transaction, in one message.

        A syntax error anywhere stops a whole message, so no SQL of a file is in it.

        Args:
            note: what is to be written.
            opening: what the next transaction begins with, after BEGIN.

        Returns:
            The last row that `opening` gives; None where it failed, or the event log did: the step
            is committed then, and no transaction is open.

        Raises:
            LedgerError: when the note cannot be written.
            psycopg2.Error: when the commit fails, or the connection is lost.
        """
        return self._noted(note, f"; COMMIT; BEGIN; {opening}")

    def _noted(self, note: Note, ending: str) -> tuple[Any, ...] | None:
        told = self._log.rows(*note.events)
        connection = self._connection
        try:
            return connection.execute(
                f"SAVEPOINT {_SAVEPOINT}; {self._texts.text(note, told)}{ending}"
            )
        except psycopg2.Error as error:
            if error.pgcode is None or connection.raw.info.transaction_status != _IN_ERROR:
                raise  # the connection is gone, or the commit failed
            if not self._is_back():
                connection.rollback()
                return None
            by = note.events[0].filename or "the migration"
            self._check_there(error, by)
            self._check_unmoved(error, note)
            if told is None:
                raise self._refused(error) from error
            # Leaving the log out shows whether it is the log that cannot be written.
            row = self._executed(self._texts.text(note, None))
            self._log.lost(error, by)
            if not ending:
                return row
            connection.commit()
            return None

    def _is_back(self) -> bool:
        """Go back to before the note; False where it is committed, and what follows failed."""
        try:
            self._connection.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
        except psycopg2.errors.InvalidSavepointSpecification:
            return False
        return True

    def _check_unmoved(self, error: psycopg2.Error, note: Note) -> None:
        """Say what is not as it was, where that made a write fail: see `NoteTexts.text`."""
        if not isinstance(error, psycopg2.errors.DivisionByZero) or note.before == note.after:
            return
        moved = self._composed(alembic_version.is_at(self._ledger.version_name, note.before))
        what = f"alembic_version is no longer at {note.before}"
        if (self._connection.execute(moved) or (True,))[0]:
            what = f"the row of {note.events[0].version} in {self._ledger.table} was changed"
        raise LedgerError(
            what,
            detail="another session changed it during this run",
            hint="`python scripts/status.py` shows where the database is now",
        ) from error

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
        for statement in self._ledger.mirror(records, kept, _literal):
            self._executed(self._composed(statement))
        self._log.prepare(self._connection.execute, Event(event=Kind.STAMP, version=reached))

    def hold(self, table: TableName) -> None:
        """Keep everybody from a table until the transaction ends: another tool's ledger.

        Raises:
            LedgerError: when that is not allowed, or takes too long.
        """
        name = qualified(table.schema, table.name)
        self._executed(self._composed(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name)))

    def rename(self, table: TableName, to: TableName) -> None:
        """Give a table another name in its schema.

        Raises:
            LedgerError: when that is not possible.
        """
        statement = SQL("ALTER TABLE {} RENAME TO {}").format(
            qualified(table.schema, table.name), Identifier(to.name)
        )
        self._executed(self._composed(statement))

    def set_aside(self, versions: Sequence[str]) -> None:
        """Make room in the ledger for rows that get each other's versions; see `changes.ASIDE`."""
        if versions:
            statement = SQL("UPDATE {} SET version = {} || version WHERE version = ANY ({})")
            names = (self._ledger.name, Literal(changes.ASIDE), Literal(list(versions)))
            self._executed(self._composed(statement.format(*names)))

    def baseline(self, records: Sequence[Record], times: Mapping[int, object], remark: str) -> None:
        """Write the first rows of a ledger, Alembic's version, and why, in the open transaction.

        Args:
            records: what the database has, without having been run by a ledger's run.
            times: when each was applied, by number, where that is known.
            remark: what the event log keeps besides the last version.

        Raises:
            LedgerError: when it cannot be written.
        """
        reached = records[-1].version
        first = alembic_version.first(self._ledger.version_name, reached)
        for statement in (*self._ledger.mirror(records, (), _literal), first):
            self._executed(self._composed(statement))
        dated = [
            self._ledger.dated(record.version, when)
            for record in records
            if (when := times.get(int(record.version))) is not None
        ]
        if dated:
            self._executed(self._composed(SQL(";\n").join(dated)))
        event = Event(event=Kind.BASELINE, version=reached, error=remark or None)
        self._log.prepare(self._connection.execute, event)


def _literal(value: str) -> Composable:
    return Literal(quoting.safe(value))
