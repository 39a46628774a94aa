"""One run of an environment: what Alembic's steps do, and what the ledger is told of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from psycopg2.sql import Composable

from scripts.engine.alembic_commands import stamp
from scripts.engine.execution.executor import Autocommit, Performed, Performer
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.recorder import Recorder
from scripts.engine.ledger import alembic_version
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.objects import existing
from scripts.engine.observer import Direction, Observer, StepResult
from scripts.engine.run.plan import Plan
from scripts.engine.status import Status
from scripts.engine.step import CutShort, Step, effect
from scripts.errors import HistoryError, LockError, MigrationError, behind


@dataclass(kw_only=True)
class Run:
    """Alembic hands this to every revision; it lives as long as one `run_migrations`."""

    state: Status
    """What was found before the run."""
    directory: ScriptDirectory
    observer: Observer
    performer: Performer
    recorder: Recorder
    plan: Plan
    guard: Guard
    moves_version: bool
    """Whether Alembic's version is moved with the ledger, and not by Alembic."""
    autocommit: Autocommit = field(default=nullcontext, init=False)
    """The way out of the transaction of the step at hand."""
    current: str = field(init=False)
    """The version that the run has come to, its last commit included."""
    before: str = field(init=False)
    """The version ahead of the last step."""
    unsaid: StepResult | None = field(default=None, init=False)
    """The step that has been recorded, and whose commit nobody has heard of yet."""
    found_existing: list[str] = field(default_factory=list, init=False)
    """Versions before which objects were there that their DOWN drops."""
    mirrored: bool = field(default=False, init=False)
    """Whether a stamp has written the ledger."""
    _effects: str = field(default="rolled back", init=False)
    """What has become of the step at hand if it fails from here on."""
    _uncommitted: Event | None = field(default=None, init=False)
    _began: float | None = field(default=None, init=False)
    _recorded: str = field(default="", init=False)
    _note: Composable | None = field(default=None, init=False)
    _performed: Performed | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin where the database is."""
        self.before = self.current = self.state.current

    @property
    def step(self) -> Event:
        """Return the row of the event log with which the step at hand, or at its commit, began."""
        return self._uncommitted or self.plan.step

    @property
    def elapsed_ms(self) -> int | None:
        """Return how long the step at hand has been at work; None where none has begun."""
        return None if self._began is None else round((time.monotonic() - self._began) * 1000)

    @property
    def has_more(self) -> bool:
        """Tell whether there are steps that have not been recorded."""
        return bool(self.plan.coming)

    def upgrade(self, version: str) -> None:
        """Run the UP of a version, to be noted in the ledger.

        Raises:
            FormatError: when the file is not in the format.
            HistoryError: when the file changed while the run was at work.
            StatementError: when PostgreSQL refuses a statement.
            Interrupted: when a signal came.
        """
        todo, record = self.plan.upgrade(version, self.current)
        performed = self.perform(todo)
        if performed.existed not in (existing.NOTHING, existing.NOBODY_LOOKED):
            self.found_existing.append(version)
        self._note = self.state.ledger.insertion(record, performed.duration, performed.existed)

    def downgrade(self, version: str) -> None:
        """Run what undoes a version; its row is to be taken out of the ledger.

        Raises:
            RollbackError: when it can't be rolled back.
            LedgerError: when its rollback SQL is not what was stored.
            StatementError: when PostgreSQL refuses a statement.
            Interrupted: when a signal came.
        """
        todo = self.plan.downgrade(version)
        self.plan.recheck(todo)
        self.perform(todo)
        self._note = self.state.ledger.deletion(version)

    def on_version_apply(
        self,
        ctx: MigrationContext,  # noqa: ARG002 - Alembic calls with these names
        step: MigrationInfo,
        heads: Collection[str],
        run_args: Mapping[str, Any],  # noqa: ARG002
    ) -> None:
        """Write the ledger: Alembic's hook, called in the transaction of each step, at its end.

        Raises:
            MigrationError: see `record`.
        """
        reached = next(iter(heads), alembic_version.BASE)
        if step.is_stamp:
            self.mirror(heads)
            self._reached(reached)
        else:
            self.record(step.up_revision_id, reached)

    def record(self, version: str | None, reached: str) -> None:
        """Note the step that its revision has run, and move Alembic's version.

        Args:
            version: the revision's.
            reached: the version that the database comes to by it.

        Raises:
            HistoryError: when the revision did not run the migration that it is named for.
            LedgerError: when the ledger can't be written, or Alembic's version is not what it was.
        """
        if self._note is None or self._recorded != version:
            raise HistoryError(
                f"revision {version} did not run the migration file of that version",
                detail="a revision file has its SQL file's number and calls migration(__file__)",
                state=self.undone(self.current),
            )
        self.write(self._note, reached)
        self._reached(reached)

    def _reached(self, version: str) -> None:
        self.before, self.current, self._note = self.current, version, None
        self._began = None

    def write(self, note: Composable, reached: str) -> None:
        """Write the ledger, the event log, and Alembic's version where it is moved here."""
        done = begun = self.plan.done()
        ended = Kind.SUCCESS if done.direction == Direction.UP.value else Kind.ROLLBACK
        if self._performed:
            done = replace(
                done,
                event=ended,
                duration_ms=self._performed.duration_ms,
                lock_wait_ms=self._performed.lock_wait_ms,
            )
        moves = self.moves_version and self.current != reached
        try:
            self.recorder.note(
                note,
                (self.current, reached) if moves else None,
                [done, *self.plan.coming],
                self.undone(self.current),
            )
        except (MigrationError, psycopg2.Error):
            self.plan.undone(begun)
            self.unsaid = None
            raise
        self._uncommitted = begun

    def mirror(self, heads: Iterable[str]) -> None:
        """Make the ledger have just the versions up to `heads`, without running anything."""
        heads = tuple(heads)
        records, kept = stamp.versions(self.state, self.directory, heads)
        self.recorder.stamp(records, kept, ", ".join(heads) or "base")
        self.mirrored = True

    def say(self) -> None:
        """Tell the observer of the last step: called when its transaction is known to be over."""
        if self.unsaid:
            self.observer.finished(self.unsaid)
            self.unsaid = self._uncommitted = None

    def perform(self, todo: Step) -> Performed:
        """Run a section; what it fails with says what has become of it."""
        self.say()
        self._effects = "rolled back"
        self._began = time.monotonic()
        self.guard.hold(self.current)
        try:
            performed = self.performer.perform(todo, self.autocommit)
        except Exception as raised:
            error = behind(raised)
            if not isinstance(error, CutShort):
                raise
            self._effects = effect(todo, error, joined=self.plan.joined)
            if isinstance(error, LockError):
                error.state = f"{self._effects}; {self.guard.now(self.current)}"
            else:
                error.what = f"{self.state.name}: {todo.filename}: {error.what}"
                error.state = self.undone(self.current)
            raise error from raised.__cause__
        self._effects = effect(todo, joined=self.plan.joined)
        self._recorded, self._performed = todo.version, performed
        self.unsaid = todo.result(self.state.name, performed.duration_ms)
        if todo.direction is Direction.DOWN and not todo.section.statements:
            self.observer.notice(self.state.name, f"{todo.filename} has an empty DOWN: nothing ran")
        return performed

    def undone(self, at: str) -> str:
        """Say how the database stands when the step at hand has failed.

        Args:
            at: the version ahead of the step.
        """
        return f"{self._effects}; {self.state.name} is at {at}"
