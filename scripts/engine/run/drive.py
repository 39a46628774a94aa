"""Drives a run: checks, reads everything that will run, and takes each step in a transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psycopg2

from scripts.engine import boundary, disclosure, revision
from scripts.engine.execution import event_log
from scripts.engine.execution.server import ServerExecutor
from scripts.engine.ledger.changes import Deletion
from scripts.engine.observer import GuardedObserver
from scripts.engine.reported import Direction, Ended, Planned, StepResult
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.commit_outcome import Commit
from scripts.engine.run.plan import Move, Plan
from scripts.engine.run.run import Run
from scripts.engine.run.stored_rollbacks import StoredRollbacks
from scripts.engine.safeguards import half_applied, protection
from scripts.engine.safeguards.protection import Protection
from scripts.engine.session import waiting
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Switches
from scripts.errors import LedgerError, LockError, MigrationError


class Drive:
    """One run, with the lock held."""

    def __init__(
        self,
        *,
        connection: RunConnection,
        status: Status,
        lock: Lock | None,
        observer: GuardedObserver,
        switches: Switches,
    ) -> None:
        """Put the parts of a run together.

        Args:
            connection: where it runs.
            status: what was found with the lock held.
            lock: the lock; None if there is nothing to do, or nothing can hold it.
            observer: is told what happens.
            switches: the choices of this run.
        """
        self._connection = connection
        self._status = status
        self._lock = lock
        self._observer = observer
        self._switches = switches
        self.executor = ServerExecutor(connection, status, lock, observer)
        self.plan = Plan(
            status,
            None if switches.use_file else StoredRollbacks(connection, status.ledger),
            Protection(connection, status, switches),
            in_caller_transaction=connection.in_caller_transaction,
            confirmed=switches.confirmed,
        )
        self.state = Run(status, self.plan, self.executor, observer)
        self.results: list[StepResult] = []
        """The steps that are committed."""

    def run(self, command: Command, *, before: str, idle: bool) -> None:
        """Run a command.

        Args:
            command: what is asked for.
            before: the version that the database was at before the wait for another run.
            idle: whether there was nothing to do, so that no lock was taken.

        Raises:
            MigrationError: when anything prevents it; `state` says how far it got.
        """
        with self.noted(), waiting.unbounded(self._connection.raw, self.executor.on_tick):
            moves = self._planned(command, before)
            if moves and idle:
                what = "another run changed the database at the same time"
                raise LedgerError(what, state="nothing was changed", hint="run the command again")
            self._observer.check()
            if moves:
                self._prepare()
                self._announce(moves)
            began = time.monotonic()
            for move in moves:
                try:
                    self.executor.guard.check()
                    move.revision(self.state)
                    self.state.record(move.version, move.reached)
                    self._commit(move.reached)
                    self._observer.check()
                except BaseException:
                    self._connection.rollback()
                    raise
            self._report_existing()
            if moves:
                self._sum_up(moves, began)
            self._observer.check()

    def _planned(self, command: Command, before: str) -> list[Move]:
        """Check what prevents the command, and read everything that it will run."""
        found = self._status
        undoing = command.undoing(found, self._switches)
        command.check(found, before, None if undoing else self._switches.confirmed)
        if command.kind is Kind.UPGRADE:
            self._say_ahead()
        moves = command.moves(found)
        if undoing is None:
            self.plan.read(moves)
            return moves
        if moves:
            raise half_applied.moves_too(found, undoing.version)
        self.plan.add(undoing)
        # No version moves, and no row of the ledger.
        undo = partial(self._undo, undoing)
        return [Move(undoing.version, Direction.DOWN, found.current, undo)]

    def _undo(self, step: Step, _: revision.Run) -> None:
        self.state.perform(step, lambda _: Deletion(step.version))

    def _commit(self, reached: str) -> None:
        step = self.state.recorded
        at_commit = Commit(
            connection=self._connection,
            ledger=self._status.ledger,
            transaction=self.executor.number,
            step=step.step,
            before=self.state.reached,
            reached=reached,
            undone=self.state.situation(),
        )
        lost = None
        try:
            self.executor.commit(self.plan.coming)
        except psycopg2.Error as error:
            at_commit.settle(error)
            lost = error
        self.state.committed(reached)
        self.results.append(step.result(self._status.name))
        self._observer.finished(self.results[-1])
        if lost and not self.plan.is_done:
            raise at_commit.cut_short(lost) from lost

    def _prepare(self) -> None:
        """Create or complete ledger and event log, and record that the run begins."""
        first = self.plan.step._replace(lock_wait_ms=self._lock.waited_ms if self._lock else 0)
        with self._connection.transaction():
            self.executor.recorder.create_ledger()
            self.executor.log.prepare(self._connection.execute, first)

    def _announce(self, moves: Sequence[Move]) -> None:
        address = self._status.server.address
        planned = Planned(self.executor.log.run, len(moves), moves[0].direction, address)
        self._observer.planned(self._status.name, planned)

    def _sum_up(self, moves: Sequence[Move], began: float) -> None:
        took = round((time.monotonic() - began) * 1000)
        end = Ended(len(moves), moves[0].direction, took, self.state.reached)
        self._observer.ended(self._status.name, end)

    def _say_ahead(self) -> None:
        ahead = [applied.row.version for applied in self._status.ahead]
        if ahead:
            versions = ", ".join(ahead)
            self._connection.notify(
                f"the database is ahead of this code by {versions}: a newer release was deployed"
            )

    def _report_existing(self) -> None:
        versions, connection = self.state.found_existing, self._connection
        if not versions:
            return
        try:
            with connection.transaction():
                ledger = self._status.ledger.created()
                protection.report(connection.raw, ledger, versions, connection.notify)
        except psycopg2.Error as error:
            # All is committed by then.
            reason = disclosure.headline(error)
            connection.notify(f"cannot read what existed before the migrations: {reason}")

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Complete the error that ends a run, and log it as an event; for a `with` block."""
        try:
            with boundary.explained(self._ended):
                yield
        except MigrationError as error:
            self._note(error)
            raise

    def _ended(self, error: psycopg2.Error) -> MigrationError:
        """Return the error for what the driver raises outside the statements of files."""
        name, state = self.state.event.filename, self.state.situation()
        return boundary.ended(error, state, where=name or "")

    def _note(self, error: MigrationError) -> None:
        """The lock's own transaction writes the rows, and its commit lets the next run begin."""
        error.complete(environment=self._status.name, state=self._situation(error))
        error.run = self.executor.log.run
        held, connection = self._lock, self._connection
        if held is None or connection.takes_back:
            return
        event = self.state.event._replace(
            lock_wait_ms=self.executor.lock_wait_ms,
            duration_ms=self.state.in_progress.elapsed_ms if self.state.in_progress else None,
        )
        instead = held.connection.closed and not connection.in_caller_transaction
        self.executor.log.append_apart(
            connection.raw if instead else held.connection, *event_log.failures(error, event)
        )

    def _situation(self, error: MigrationError) -> str:
        run = self.state
        if isinstance(error, LockError):
            now = self.executor.guard.whereabouts(run.reached)
            return f"{run.in_progress.effects}; {now}" if run.in_progress else now
        unknown = run.event.statements and not self.executor.log.works
        more = "; without an event log, a later run will not know this" if unknown else ""
        return f"{run.situation()}{more}"
