"""The steps that a run is going to take: read and checked before the first of them runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.util import CommandError

from scripts.engine import reading
from scripts.engine.execution import event_log
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import Record
from scripts.engine.reading import Stored
from scripts.engine.safeguards import own_tables, race
from scripts.engine.status import Status
from scripts.engine.step import Step, check_joined
from scripts.errors import HistoryError, LedgerError

# Files are read before the first one runs, and read again as they run if they were too large to be
# kept: so a long history takes no more memory than a short one.
_KEEP_CHARACTERS = 4_000_000

Planned = Callable[[Any, MigrationContext], Iterable[MigrationStep]]
"""Alembic's function for a command: from the heads that the database is at to the steps to take."""


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What rollbacks go through before they run; a script has none."""

    check: Callable[[list[Step]], frozenset[str]] = lambda _: frozenset()
    """Refuses what may not be dropped, and gives the versions that have to be looked at again."""
    announce: Callable[[list[Step]], None] = lambda _: None
    """Says what is destroyed, where nobody was shown it."""


class Plan:
    """What is left to do, and the SQL of it."""

    def __init__(
        self, state: Status, stored: Stored | None, *, joined: bool, guards: Guards
    ) -> None:
        """Plan from what was found before the run.

        Args:
            state: the files and the ledger's rows.
            stored: reads rollback SQL from the ledger; None takes the files' DOWN.
            joined: whether the transaction is that of whoever gave the connection.
            guards: what rollbacks go through.
        """
        self._guards = guards
        self._guarded: frozenset[str] = frozenset()
        self._state = state
        self._stored = stored
        self.joined = joined
        self._steps: deque[Event] = deque()
        self._kept: dict[str, tuple[Step, Record]] = {}
        self._kept_characters = 0
        self.confirmed: tuple[tuple[str, str], ...] | None = None
        """Versions and SQL that people have been shown; None where nobody was asked."""
        self.in_order = False
        """Whether the steps have to be those that the ledger and the files' numbers give."""

    @property
    def step(self) -> Event:
        """Return the row of the event log with which the step at hand begins."""
        return self._steps[0] if self._steps else Event(event=Kind.START)

    @property
    def coming(self) -> list[Event]:
        """Return the step at hand as a list, empty where nothing is left to do."""
        return list(self._steps)[:1]

    def resolve(
        self, planned: Planned, heads: Any, context: MigrationContext, *, fixed: bool
    ) -> list[MigrationStep]:
        """Let Alembic find the steps, from where the database is.

        Args:
            planned: Alembic's function.
            heads: what Alembic read just now.
            context: Alembic's.
            fixed: whether the heads have to be those that were found before.

        Raises:
            LedgerError: when another run has moved the database since it was looked at.
            CommandError: when there is no way to the target.
        """
        moved = fixed and set(heads) != set(self._state.alembic_heads)
        try:
            wanted, failure = list(planned(heads, context)), None
        except CommandError as error:
            wanted, failure = [], error
        if moved and (wanted or failure):
            raise race.moved(
                self._state.name,
                ", ".join(heads) or "base",
                self._state.current,
                applying=not any(one.is_downgrade for one in wanted),
            ) from failure
        if failure:
            raise failure
        return wanted

    def read(self, wanted: Iterable[MigrationStep]) -> None:
        """Read the SQL of all steps, so that what can't be run is found while nothing has changed.

        Raises:
            MigrationError: see `reading.upgrade`, `reading.downgrade`, `work.check_joined` and
                `own_tables.check`.
        """
        steps = [one for one in wanted if isinstance(one, RevisionStep)]
        self._check_order(steps)
        undone: list[Step] = []
        self._steps.extend(self._read(one, undone) for one in steps)
        self.undo(undone)

    def add(self, undo: Step) -> None:
        """Plan one rollback that Alembic knows nothing of; see `undo`."""
        check = [undo]
        self._steps.append(event_log.beginning(undo))
        self.undo(check)

    def undo(self, undone: list[Step]) -> None:
        """Make sure that rollbacks are what people were shown, and drop nothing that they may not.

        Raises:
            LedgerError: when they are others than those that were confirmed.
            RollbackError: see `protection.check`.
        """
        shown = tuple((one.version, one.section.text) for one in undone)
        if self.confirmed is not None and shown != self.confirmed:
            raise LedgerError(
                f"{self._state.name}: the database changed after you were shown what would run",
                state=f"nothing was rolled back; {self._state.name} is at {self._state.current}",
                way_out="run the command again, and look again",
            )
        if undone:
            self._guarded = self._guards.check(undone)
            self._guards.announce(undone)

    def _check_order(self, steps: list[RevisionStep]) -> None:
        """Alembic goes by the revision files, which may leave out a migration that is there."""
        if not self.in_order:
            return
        for found, expected in (
            (
                [one.revision.revision for one in steps if one.is_upgrade],
                [entry.version for entry in self._state.pending],
            ),
            (
                [one.revision.revision for one in steps if not one.is_upgrade],
                [one.row.version for one in reversed(self._state.applied)],
            ),
        ):
            if found != expected[: len(found)]:
                raise HistoryError(
                    f"{self._state.name}: the revision files leave the order of the numbers",
                    detail=f"they lead to: {', '.join(found)}\n"
                    f"expected:     {', '.join(expected[: len(found)])}",
                    state=f"nothing was changed; {self._state.name} is at {self._state.current}",
                    way_out="python scripts/validate.py names the revision file that is wrong",
                )

    def _read(self, step: RevisionStep, undone: list[Step]) -> Event:
        version = step.revision.revision
        if not step.is_upgrade:
            undo = self.downgrade(version)
            own_tables.check(self._state.name, undo, self._state.ledger)
            undone.append(undo)
            return event_log.beginning(undo)
        todo, record = reading.upgrade(self._state, version)
        check_joined(todo, joined=self.joined)
        own_tables.check(self._state.name, todo, self._state.ledger)
        self._kept_characters += len(todo.section.text)
        if self._kept_characters < _KEEP_CHARACTERS:
            self._kept[version] = todo, record
        return event_log.beginning(todo)

    def upgrade(self, version: str, current: str) -> tuple[Step, Record]:
        """Return the UP of the step at hand, and what the ledger will keep of it.

        Args:
            version: the step's.
            current: the version that the run has come to, for the error.

        Raises:
            HistoryError: when the file changed while the run was at work, or is gone.
            FormatError: when it is not in the format any more.
        """
        kept = self._kept.pop(version) if version in self._kept else None
        todo, record = kept or reading.upgrade(self._state, version)
        if todo.checksum != self.step.checksum:
            raise HistoryError(
                f"{self._state.name}: {todo.filename} was changed while the run was at work",
                where=todo.place,
                state=f"it was not run; {self._state.name} is at {current}",
                way_out="run the command again to apply it as it is now",
            )
        return todo, record

    def recheck(self, todo: Step) -> None:
        """Look once more, right before a rollback that could drop what was there before.

        Names may mean something else by then: a step ahead of it can have renamed a table.

        Raises:
            RollbackError: see `protection.check`.
        """
        if todo.version in self._guarded:
            self._guards.check([todo])

    def downgrade(self, version: str) -> Step:
        """Return what undoes a version; see `reading.downgrade` and `work.check_joined`."""
        todo = reading.downgrade(self._state, version, self._stored)
        check_joined(todo, joined=self.joined)
        return todo

    def done(self) -> Event:
        """Take the step at hand off, and return it."""
        return self._steps.popleft()

    def undone(self, step: Event) -> None:
        """Put back the step that was taken off: it could not be recorded."""
        self._steps.appendleft(step)
