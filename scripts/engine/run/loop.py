"""The loop of a run: from where the database is, step by step, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep

from scripts.engine.ledger import alembic_version
from scripts.engine.ledger.events import Event
from scripts.engine.run.plan import Planned
from scripts.engine.run.steps import Run
from scripts.engine.safeguards import half_applied
from scripts.engine.step import Step
from scripts.errors import LedgerError


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Takes the steps of one command."""

    run: Run
    prepare: Callable[[list[Event]], None]
    """Makes the event log ready before the first step, which it is told of."""
    idle: bool = False
    """Whether there was nothing to do, so that no lock was taken."""
    settle: Callable[[], None] = lambda: None
    """Ends the transaction in which Alembic read the heads."""
    undoing: Step | None = None
    """The rollback of a half-applied file, which is all that is done then."""

    def of(self, planned: Planned) -> Planned:
        """Wrap Alembic's function for a command: what it gives is read, and taken here.

        All that its steps will run is read before the first one. So a file or a stored rollback
        that can't be run stops the run while nothing has changed. Alembic gets no step back where
        they are taken here: its own loop looks through the whole history at each step down.

        Args:
            planned: gives the steps that lead to the target.
        """

        def steps(heads: Any, context: MigrationContext) -> list[MigrationStep]:
            self.settle()
            run = self.run
            run.autocommit = context.autocommit_block
            run.recorder.begin(at_base=not heads)
            if self.undoing:
                self._undo(self.undoing, list(planned(heads, context)), context)
                return []
            wanted = run.plan.resolve(planned, heads, context, fixed=run.moves_version)
            run.plan.read(wanted)
            if wanted and self.idle:
                what = f"{run.state.name}: another run changed the database while this one looked"
                raise LedgerError(what, state="nothing was changed", way_out="run it again")
            if wanted:
                self.prepare(run.plan.coming)
            if not run.moves_version:
                return wanted
            for step in wanted:
                if isinstance(step, RevisionStep):
                    self._take(step, context)
            return []

        return steps

    def _take(self, step: RevisionStep, context: MigrationContext) -> None:
        """Take one step: its revision runs the migration, and the ledger notes it."""
        reached = next(iter(step.to_revisions), alembic_version.BASE)
        with context.begin_transaction(_per_migration=True):
            step.migration_fn(run=self.run)
            self.run.record(step.revision.revision, reached)

    def _undo(self, todo: Step, wanted: list[MigrationStep], context: MigrationContext) -> None:
        """Run the DOWN of a half-applied file: no version moves, and no row of the ledger."""
        run = self.run
        if wanted:
            raise half_applied.moves_too(run.state, todo.version)
        run.plan.add(todo)
        self.prepare(run.plan.coming)
        with context.begin_transaction(_per_migration=True):
            run.perform(todo)
            run.write(run.state.ledger.deletion(todo.version), run.current)
