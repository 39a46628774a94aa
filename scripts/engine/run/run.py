"""One run of an environment: what a revision's functions call, and what the ledger records."""

from __future__ import annotations

import time
from collections.abc import Callable

from scripts.engine.execution.executor import Executor, Note, Performed
from scripts.engine.ledger.changes import Change, Deletion, Insertion
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.objects import existing
from scripts.engine.observer import Observer
from scripts.engine.reported import Direction, StepResult
from scripts.engine.run.plan import Plan
from scripts.engine.status import Status
from scripts.engine.step import CutShort, Step, effect
from scripts.errors import HistoryError, Interrupted, LockError, StatementError


class StepInProgress:
    """The step that is in progress, from its beginning to its commit."""

    def __init__(self, step: Step, event: Event, *, in_caller_transaction: bool) -> None:
        """Begin a step, and record what a failure leaves before a statement has run.

        Args:
            step: which one.
            event: the row of the event log that started it.
            in_caller_transaction: whether the transaction belongs to the caller.
        """
        self.step = step
        self.event = event
        self._in_caller_transaction = in_caller_transaction
        self._began = time.monotonic()
        self.change: Change | None = None
        """What is written to the ledger; None until the section has run."""
        self.performed: Performed | None = None
        transactional = step.header.transactional
        self.effects = self._effect(None) if transactional else "no statement of the file was run"
        """What happens to its statements if it fails from here on."""

    def cut_short(self, error: CutShort) -> None:
        """Record what a failure leaves of the statements."""
        self.effects = self._effect(error)

    def has_run(self, performed: Performed, change: Change) -> None:
        """Record how long the section took, what to write, and what a later failure leaves."""
        self.performed, self.change = performed, change
        self.effects = self._effect(None)

    def _effect(self, error: CutShort | None) -> str:
        return effect(self.step, error, in_caller_transaction=self._in_caller_transaction)

    def result(self, environment: str) -> StepResult:
        """Return what an observer is told about it."""
        return self.step.result(environment, self.performed.duration_ms if self.performed else 0)

    @property
    def elapsed_ms(self) -> int:
        """Return how long it has been running."""
        return round((time.monotonic() - self._began) * 1000)


class Run:
    """What every revision is given: it runs versions and records them."""

    def __init__(self, status: Status, plan: Plan, executor: Executor, observer: Observer) -> None:
        """Start from where the database is.

        Args:
            status: what was found before the run.
            plan: what will run, already read.
            executor: runs it.
            observer: is told of sections without statements.
        """
        self.status = status
        self.plan = plan
        self.reached = status.current
        """The version that the database is at, including the last commit."""
        self.found_existing: list[str] = []
        """Versions whose DOWN drops objects that existed before them."""
        self.in_progress: StepInProgress | None = None
        self._executor = executor
        self._observer = observer

    @property
    def event(self) -> Event:
        """Return the row of the event log that starts the current step."""
        return self.in_progress.event if self.in_progress else self.plan.step

    def upgrade(self, version: str) -> None:
        """Run the UP of a version, to be recorded in the ledger.

        Raises:
            FormatError: when the file is not in the format.
            HistoryError: when the file changed during the run.
            StatementError: when PostgreSQL refuses a statement.
            Interrupted: when a signal came.
        """
        step, record = self.plan.upgrade(version, self.reached)

        def insertion(done: Performed) -> Change:
            if done.existed not in (existing.NOTHING, existing.NOBODY_LOOKED):
                self.found_existing.append(version)
            return Insertion(record, done.duration, done.existed)

        self.perform(step, insertion)

    def downgrade(self, version: str) -> None:
        """Run what undoes a version; its row is to be removed from the ledger.

        Raises:
            RollbackError: when it cannot be rolled back.
            LedgerError: when its rollback SQL was changed since it was stored.
            StatementError: when PostgreSQL refuses a statement.
            Interrupted: when a signal came.
        """
        step = self.plan.downgrade(version)
        self.plan.recheck(step)
        self.perform(step, lambda _: Deletion(version, step.rollback_checksum))

    def perform(self, step: Step, change: Callable[[Performed], Change]) -> None:
        """Run a section.

        Args:
            step: the section.
            change: says what to write to the ledger, once the section has run.
        """
        current = StepInProgress(
            step=step,
            event=self.plan.step,
            in_caller_transaction=self.plan.in_caller_transaction,
        )
        self.in_progress = current
        try:
            performed = self._executor.run(step)
        except (StatementError, Interrupted, LockError) as error:
            current.cut_short(error)
            raise
        current.has_run(performed, change(performed))
        if step.direction is Direction.DOWN and not step.section.statements:
            self._observer.notice(
                self.status.name, f"{step.filename} has an empty DOWN: nothing ran"
            )

    def record(self, version: str | None, reached: str) -> None:
        """Record the step that its revision has run, and move Alembic's version.

        Args:
            version: the revision's.
            reached: the version that the database is at after it.

        Raises:
            HistoryError: when the revision did not run the migration that it is named for.
            LedgerError: when the ledger cannot be written, or Alembic's version is not what it was.
        """
        current = self.in_progress
        if current is None or current.change is None or current.step.version != version:
            raise HistoryError(
                f"revision {version} did not run its migration file",
                detail="a revision file has the same number as its SQL file, and calls "
                "migration(__file__)",
            )
        self._executor.record(self._noted(current, current.change, reached))
        self.plan.done()

    def _noted(self, current: StepInProgress, change: Change, reached: str) -> Note:
        ended = Kind.SUCCESS if current.step.direction is Direction.UP else Kind.ROLLBACK
        done = current.event._replace(event=ended)
        if current.performed:
            done = done._replace(
                duration_ms=current.performed.duration_ms,
                lock_wait_ms=current.performed.lock_wait_ms,
            )
        following = self.plan.following
        return Note(
            change=change,
            before=self.reached,
            after=reached,
            events=(done, following) if following else (done,),
        )

    @property
    def recorded(self) -> StepInProgress:
        """Return the current step, which has been recorded."""
        if self.in_progress is None:
            raise AssertionError("a step was recorded that did not run")
        return self.in_progress

    def committed(self, reached: str) -> None:
        """Register that the current step is committed."""
        self.reached, self.in_progress = reached, None

    def situation(self) -> str:
        """Say what the state is if the run ends here."""
        current = self.in_progress
        still = "still " if current and current.step.direction is Direction.DOWN else ""
        at = f"{self.status.name} is {still}at {self.reached}"
        if self.in_progress:
            return f"{self.in_progress.effects}; {at}"
        return f"nothing was changed; {at}" if self.reached == self.status.current else at
