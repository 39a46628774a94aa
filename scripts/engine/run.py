"""One run of an environment: what Alembic's steps do, and what the ledger is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationInfo, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine import execution, retry, work
from scripts.engine.execution import Execute
from scripts.engine.ledger import Record
from scripts.engine.observer import Direction, Observer, StepResult
from scripts.engine.settings import Limits
from scripts.engine.state import State
from scripts.engine.work import Stored, Work
from scripts.errors import HistoryError, LedgerError, StatementError

Planned = Callable[[Any, MigrationContext], Iterable[MigrationStep]]
"""Alembic's function for a command: from the heads that the database is at to the steps to take."""

# Files are read before the first one runs, and read again as they run if they were too large to be
# kept: so a long history takes no more memory than a short one.
_KEEP_CHARACTERS = 4_000_000

# In a script nobody has a clock but the server; inside a transaction now() is when it began.
_SERVER_DURATION = SQL("extract(epoch FROM clock_timestamp() - now()) * 1000")


@dataclass(kw_only=True)
class Run:
    """Alembic hands this to every revision; it lives as long as one `run_migrations`."""

    state: State
    """What was found before the run."""
    directory: ScriptDirectory
    observer: Observer
    execute: Execute
    """Sends SQL to the server, or writes it into the script of `--sql`."""
    compose: Callable[[Composable], str]
    """Quotes the ledger's statements: by the connection, or without one."""
    stored: Stored | None
    """Reads rollback SQL from the ledger; None takes the files' DOWN."""
    online: bool
    limits: Limits
    guard: Callable[[str], None] = lambda _state: None
    """Makes sure that no other run is at work; takes the state for its error."""
    settle: Callable[[], None] = lambda: None
    """Ends the transaction in which Alembic read the heads: each step begins one of its own."""
    moves_version: bool = field(default=False, init=False)
    """Whether Alembic leaves its version's row to us: see `version.VersionImpl`."""
    _context: MigrationContext | None = field(default=None, init=False)
    _current: str = field(default="", init=False)
    _recorded: str = field(default="", init=False)
    _note: Composable | None = field(default=None, init=False)
    _kept: dict[str, tuple[Work, Record]] = field(default_factory=dict, init=False)
    _kept_characters: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)
    _unsaid: StepResult | None = field(default=None, init=False)

    def announced(self, planned: Planned) -> Planned:
        """Wrap Alembic's function: all that its steps will run is read before the first one.

        So a file or a stored rollback that can't be run stops the run while nothing has changed.
        """

        def steps(heads: Any, context: MigrationContext) -> list[MigrationStep]:
            self.settle()
            self._context, self._current = context, self.state.current
            self._begun = bool(heads)
            wanted = list(planned(heads, context))
            for step in wanted:
                if isinstance(step, RevisionStep):
                    self._read(step)
            return wanted

        return steps

    def _read(self, step: RevisionStep) -> None:
        """Read a step's SQL, and keep it as long as all that is kept is small."""
        version = step.revision.revision
        if not step.is_upgrade:
            work.downgrade(self.state, version, self.stored)
            return
        read = work.upgrade(self.state, version)
        self._kept_characters += len(read[0].section.text)
        if self._kept_characters < _KEEP_CHARACTERS:
            self._kept[version] = read

    def upgrade(self, version: str) -> None:
        """Run the UP of a version, to be noted in the ledger.

        Raises:
            FormatError: when the file is not in the format.
            StatementError: when PostgreSQL refuses a statement.
        """
        if version in self._kept:
            todo, record = self._kept.pop(version)
        else:
            todo, record = work.upgrade(self.state, version)
        self._note = self.state.ledger.insertion(record, self._perform(todo))

    def downgrade(self, version: str) -> None:
        """Run what undoes a version; its row is to be taken out of the ledger.

        Raises:
            RollbackError: when it can't be rolled back.
            StatementError: when PostgreSQL refuses a statement.
        """
        self._perform(work.downgrade(self.state, version, self.stored))
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
            HistoryError: when the revision did not run the migration that it is named for.
            LedgerError: when Alembic's version is not what it was at the step's beginning.
        """
        reached = next(iter(heads), "base")
        if step.is_stamp:
            self.mirror(heads)
        elif self._note is None or self._recorded != step.up_revision_id:
            raise HistoryError(
                f"revision {step.up_revision_id} did not run the migration file of that version",
                detail="a revision file has its SQL file's number and calls migration(__file__)",
                state=self._rolled_back(),
            )
        elif self.moves_version and "base" not in (self._current, reached):
            self._move(self._note, reached)
        else:
            self._begin_script()
            self._send(self._note)
        self._current, self._note = reached, None

    def _move(self, note: Composable, reached: str) -> None:
        """Write the ledger and Alembic's version, which `version.VersionImpl` leaves to us."""
        moving = self.state.ledger.moving(note, self._current, reached)
        if self.execute(self.compose(moving)) != 1:
            raise LedgerError(
                f"{self.state.name}: alembic_version is no longer at {self._current}",
                detail="somebody else changed it while this run was at work",
                state=self._rolled_back(),
                way_out="python scripts/status.py shows where the database is now",
            )

    def mirror(self, heads: Iterable[str]) -> None:
        """Make the ledger have just the versions up to `heads`, without running anything.

        Alembic takes one step from any version to any other for a stamp, so it is the ancestors of
        the new heads that count, not the step.
        """
        records, kept = [], []
        for revision in self.directory.iterate_revisions(tuple(heads), "base"):
            if self.state.history.find(revision.revision):
                records.append(work.upgrade(self.state, revision.revision)[1])
            else:
                kept.append(revision.revision)
        self._begin_script()
        self._send(*self.state.ledger.mirror(records, kept))

    def create_ledger(self) -> None:
        """Make the ledger's table what it has to be."""
        self._send(*self.state.ledger.creation())

    def _begin_script(self) -> None:
        """A script can't look whether there is a ledger: one that begins at base makes it."""
        if not self.online and not self._begun:
            self.create_ledger()
            self._begun = True

    def say(self) -> None:
        """Tell the observer of the last step: called when its transaction is known to be over."""
        if self._unsaid:
            self.observer.finished(self._unsaid)
            self._unsaid = None

    def _perform(self, todo: Work) -> Composable:
        """Run a section; return how long it took, as SQL for the ledger."""
        if self._context is None:
            raise AssertionError("Alembic ran a step that it did not announce")
        self.say()
        self.guard(f"{self.state.name} is at {self._current}")
        self.observer.started(self.state.name, todo.filename, todo.direction)
        begin = time.monotonic()
        outside = nullcontext() if todo.header.transactional else self._context.autocommit_block()
        try:
            with outside, execution.timeouts(self.execute, todo.header, self.limits):
                self._run(todo)
        except StatementError as error:
            error.what = f"{self.state.name}: {todo.filename}: {error.what}"
            error.state = self._failed(todo, error)
            raise
        milliseconds = round((time.monotonic() - begin) * 1000)
        self._recorded = todo.version
        self._unsaid = StepResult(
            environment=self.state.name,
            version=todo.version,
            filename=todo.filename,
            direction=todo.direction,
            statements=len(todo.section.statements),
            duration_ms=milliseconds,
        )
        if todo.direction is Direction.DOWN and not todo.section.statements:
            self.observer.notice(self.state.name, f"{todo.filename} has an empty DOWN: nothing ran")
        return Literal(milliseconds) if self.online else _SERVER_DURATION

    def _run(self, todo: Work) -> None:
        def attempt() -> None:
            execution.run(self.execute, todo.section, todo.place)

        def say(text: str) -> None:
            self.observer.notice(self.state.name, text)

        statements = todo.section.statements
        if self.online and todo.header.transactional and retry.possible(statements):
            retry.run(attempt, self.execute, self.limits.lock_retries, say)
        else:
            attempt()

    def _failed(self, todo: Work, error: StatementError) -> str:
        if todo.header.transactional:
            return self._rolled_back()
        count = len(todo.section.statements)
        return (
            f"NOT rolled back, the file runs outside a transaction: {error.ran} of its {count} "
            f"statements have taken effect; {self.state.name} is at {self._current}"
        )

    def _rolled_back(self) -> str:
        return f"rolled back; {self.state.name} is at {self._current}"

    def _send(self, *statements: Composable) -> None:
        for statement in statements:
            self.execute(self.compose(statement))
