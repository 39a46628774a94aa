"""Runs steps on a server, each in its transaction or outside one, and writes what they did."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scripts.engine.execution import timeouts
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.executor import Note, Performed
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.recorder import Recorder
from scripts.engine.execution.transaction import StatementWatch, Transaction
from scripts.engine.ledger.table import Record
from scripts.engine.observer import Observer
from scripts.engine.reported import Running, Sent, Waiting
from scripts.engine.session import waiting as waits
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.sqltext.statements import Statement

if TYPE_CHECKING:
    from scripts.engine.execution.autocommit import Autocommit


class _Reports:
    """Passes on what is seen of statements, with the file that they are of."""

    def __init__(self, environment: str, observer: Observer) -> None:
        self._environment = environment
        self._observer = observer
        self.step: Step | None = None

    def sent(self, statement: Statement, ran: int) -> None:
        """See `blockers.Told`."""
        if self.step:
            count = len(self.step.section.statements)
            sent = Sent(self.step.filename, self.step.version, statement, ran + 1, count)
            self._observer.sent(self._environment, sent)

    def running(self, running: Running) -> None:
        """See `blockers.Told`."""
        self._observer.running(self._environment, running)

    def waiting(self, waiting: Waiting) -> None:
        """See `blockers.Told`."""
        self._observer.waiting(self._environment, waiting)

    def notice(self, text: str) -> None:
        """See `blockers.Told`."""
        self._observer.notice(self._environment, text)


class ServerExecutor:
    """The executor of a run against a database."""

    def __init__(
        self,
        connection: RunConnection,
        status: Status,
        lock: Lock | None,
        observer: Observer,
        watch: StatementWatch | None = None,
    ) -> None:
        """Create the parts.

        Args:
            connection: the run's.
            status: what was found with the lock held.
            lock: the lock; None where nothing is done, or no second connection can hold it.
            observer: is told when a section begins.
            watch: looks at each statement.
        """
        self.log = EventLog(connection, status, writes=lock is not None)
        self.guard = Guard(connection, status.ledger, lock)
        self._reports = _Reports(connection.settings.name, observer)
        self.blockers = Blockers(lock, self._reports) if lock else None
        self.recorder = Recorder(connection, status.ledger, self.log, lock)
        watches = timeouts.supports_watching(status.server.version, status.server.platform)
        self._transaction = Transaction(connection, self.blockers, watch, watch_client=watches)
        self._watches = watches
        self._watch = watch
        self._connection = connection
        self._observer = observer
        self._note: Note | None = None
        """What is written with the next commit."""
        self.number = 0
        """The number of the transaction that is to be committed, as `txid_status` takes it."""

    @property
    def lock_wait_ms(self) -> int:
        """Return how long the statements of the step at hand were seen to wait for locks."""
        return self.blockers.waited_ms if self.blockers else 0

    def on_tick(self, running: float) -> None:
        """Look who blocks a statement that has been running for this many seconds."""
        if self.blockers:
            self.blockers.sample(running)

    def run(self, step: Step) -> Performed:
        """Run a section; see `Executor.run`."""
        self._reports.step = step
        self._observer.started(self._connection.settings.name, step.filename, step.direction)
        began = time.monotonic()
        if step.header.transactional:
            existed = self._transaction.run(step)
        else:
            self._transaction.number = 0
            with self._connection.autocommit():
                existed = self._outside().run(step)
        milliseconds = round((time.monotonic() - began) * 1000)
        return Performed(milliseconds, milliseconds, self.lock_wait_ms, existed)

    def _outside(self) -> Autocommit:
        """Return what runs files outside a transaction: most runs have none."""
        from scripts.engine.execution.autocommit import Autocommit

        return Autocommit(
            connection=self._connection,
            guard=self.guard,
            blockers=self.blockers,
            log=self.log,
            watch_client=self._watches,
            watch=self._watch,
        )

    def record(self, note: Note) -> None:
        """Write what a step did; see `Executor.record`.

        Where the transaction's number is known, and with it the way to look up a commit whose
        answer is lost, the note is sent with the commit: see `commit`.
        """
        self.number = self._transaction.number
        if self.number and not self._connection.in_caller_transaction:
            self._note = note
            return
        if not self._connection.in_transaction:
            self._connection.begin()
        self.number = self.recorder.note(note)

    def commit(self, coming: Step | None) -> None:
        """Commit what a step did.

        Args:
            coming: the step that comes next; its transaction is begun in the same message.

        Raises:
            LedgerError: as `record`.
            psycopg2.Error: when the commit fails.
        """
        note, self._note = self._note, None
        opening = self._transaction.opening(coming) if coming else ""
        if note and coming and opening:
            with waits.meanwhile(self._connection.raw, self.guard.check_ahead):
                row = self.recorder.commit(note, opening)
            self._transaction.begun(coming, row)
            return
        if note:
            self.recorder.note(note)
        self._connection.commit()

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Write what a stamp says; see `Executor.stamp`."""
        self.recorder.stamp(records, kept, reached)
