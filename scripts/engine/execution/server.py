"""Runs steps on a server, each in its transaction or outside one, and writes what they did."""

from __future__ import annotations

import time
from collections.abc import Iterable

from psycopg2.sql import Literal

from scripts.engine.execution import timeouts
from scripts.engine.execution.autocommit import Autocommit
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.executor import Note, Performed
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.recorder import Recorder
from scripts.engine.execution.transaction import Transaction
from scripts.engine.ledger.table import Record
from scripts.engine.observer import Observer
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step


class ServerExecutor:
    """The executor of a run against a database."""

    def __init__(
        self, connection: RunConnection, status: Status, lock: Lock | None, observer: Observer
    ) -> None:
        """Create the parts.

        Args:
            connection: the run's.
            status: what was found with the lock held.
            lock: the lock; None where nothing is done, or no second connection can hold it.
            observer: is told when a section begins.
        """
        self.log = EventLog(connection, status, writes=lock is not None)
        self.guard = Guard(connection, status.ledger, lock)
        self.blockers = Blockers(lock, connection.notify) if lock else None
        self.recorder = Recorder(connection, status.ledger, self.log, lock)
        watches = timeouts.supports_watching(status.server.version, status.server.platform)
        self._transaction = Transaction(connection, self.blockers, watches)
        self._autocommit = Autocommit(
            connection=connection,
            guard=self.guard,
            blockers=self.blockers,
            log=self.log,
            watch_client=watches,
        )
        self._connection = connection
        self._observer = observer

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
        self._observer.started(self._connection.settings.name, step.filename, step.direction)
        began = time.monotonic()
        if step.header.transactional:
            self._connection.begin()
            existed = self._transaction.run(step)
        else:
            with self._connection.autocommit():
                existed = self._autocommit.run(step)
        milliseconds = round((time.monotonic() - began) * 1000)
        return Performed(Literal(milliseconds), milliseconds, self.lock_wait_ms, existed)

    def record(self, note: Note) -> None:
        """Write what a step did; see `Executor.record`."""
        if not self._connection.in_transaction:
            self._connection.begin()
        self.recorder.note(note)

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:
        """Write what a stamp says; see `Executor.stamp`."""
        self.recorder.stamp(records, kept, reached)
