"""The steps that a run will take: read and checked before the first one runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from scripts.engine import reading
from scripts.engine.execution import event_log
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import Record
from scripts.engine.observer import Direction
from scripts.engine.reading import Stored
from scripts.engine.revision import RevisionFunction
from scripts.engine.safeguards import own_tables
from scripts.engine.status import Status
from scripts.engine.step import Step, check_transaction
from scripts.engine.switches import Confirmed
from scripts.errors import HistoryError, LedgerError

# Files are read before the first one runs, and read again as they run if they were too large to be
# kept, so a long history takes no more memory than a short one.
_KEEP_CHARACTERS = 4_000_000


class Guards(Protocol):
    """Checks rollbacks before they run; see `safeguards.protection`."""

    def check(self, steps: Sequence[Step]) -> frozenset[str]:
        """Refuse what may not be dropped; return the versions that must be checked again."""

    def announce(self, steps: Sequence[Step]) -> None:
        """Say what is destroyed, if nobody was shown it."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step that was asked for."""

    version: str
    direction: Direction
    reached: str
    """The version that the database is at after it, or "base"."""
    revision: RevisionFunction
    """The function of its revision; it calls the run's `upgrade` or `downgrade`."""


class Plan:
    """What is left to do, and its SQL."""

    def __init__(
        self,
        status: Status,
        stored: Stored | None,
        guards: Guards | None,
        *,
        in_caller_transaction: bool = False,
        confirmed: Confirmed | None = None,
    ) -> None:
        """Plan from what was found before the run.

        Args:
            status: the files and the ledger's rows.
            stored: reads rollback SQL from the ledger; None takes the files' DOWN.
            guards: checks rollbacks; a script has none.
            in_caller_transaction: whether the transaction belongs to the caller.
            confirmed: what people were shown of a rollback; None if nobody was asked.
        """
        self._guards = guards
        self._guarded: frozenset[str] = frozenset()
        self._status = status
        self._stored = stored
        self._confirmed = confirmed
        self.in_caller_transaction = in_caller_transaction
        self._steps: deque[Event] = deque()
        self._kept: dict[str, tuple[Step, Record]] = {}
        self._kept_characters = 0

    @property
    def step(self) -> Event:
        """Return the row of the event log that starts the current step."""
        return self._steps[0] if self._steps else Event(event=Kind.START)

    @property
    def following(self) -> Event | None:
        """Return the row of the event log that starts the step after the current one."""
        return self._steps[1] if len(self._steps) > 1 else None

    @property
    def is_done(self) -> bool:
        """Tell whether no step is left."""
        return not self._steps

    def read(self, moves: Iterable[Move]) -> None:
        """Read the SQL of all steps, so that problems are found before anything changes.

        Raises:
            MigrationError: see `reading.upgrade`, `reading.downgrade`, `step.check_transaction` and
                `own_tables.check`.
        """
        undone: list[Step] = []
        self._steps.extend(self._read(move, undone) for move in moves)
        self.undo(undone)

    def add(self, undo: Step) -> None:
        """Plan one rollback that Alembic knows nothing of; see `undo`."""
        self._steps.append(event_log.beginning(undo))
        self.undo([undo])

    def undo(self, undone: list[Step]) -> None:
        """Make sure that rollbacks are what people were shown, and drop nothing that they may not.

        Raises:
            LedgerError: when they differ from those that were confirmed.
            RollbackError: see `protection.check`.
        """
        shown = tuple((one.version, one.section.text) for one in undone)
        if self._confirmed is not None and shown != self._confirmed:
            raise LedgerError(
                "the database changed after the preview",
                state=f"nothing was rolled back; {self._status.name} is at {self._status.current}",
                hint="run the command again, and check the new preview",
            )
        if undone and self._guards:
            self._guarded = self._guards.check(undone)
            self._guards.announce(undone)

    def _read(self, move: Move, undone: list[Step]) -> Event:
        version = move.version
        if move.direction is Direction.DOWN:
            undo = self.downgrade(version)
            own_tables.check(undo, self._status.ledger)
            undone.append(undo)
            return event_log.beginning(undo)
        step, record = reading.upgrade(self._status, version)
        check_transaction(step, in_caller_transaction=self.in_caller_transaction)
        own_tables.check(step, self._status.ledger)
        self._kept_characters += len(step.section.text)
        if self._kept_characters < _KEEP_CHARACTERS:
            self._kept[version] = step, record
        return event_log.beginning(step)

    def upgrade(self, version: str, current: str) -> tuple[Step, Record]:
        """Return the UP of the current step, and what the ledger will store of it.

        Args:
            version: the step's.
            current: the version that the run has reached, for the error.

        Raises:
            HistoryError: when the file changed during the run, or is gone.
            FormatError: when it is not in the format any more.
        """
        kept = self._kept.pop(version) if version in self._kept else None
        step, record = kept or reading.upgrade(self._status, version)
        if step.checksum != self.step.checksum:
            raise HistoryError(
                f"{step.filename} was changed during the run",
                where=step.place,
                state=f"it was not run; {self._status.name} is at {current}",
                hint="run the command again to apply the new version",
            )
        return step, record

    def recheck(self, step: Step) -> None:
        """Check once more, right before a rollback that could drop objects that existed before.

        Names may mean something else by then: an earlier step may have renamed a table.

        Raises:
            RollbackError: see `protection.check`.
        """
        if self._guards and step.version in self._guarded:
            self._guards.check([step])

    def downgrade(self, version: str) -> Step:
        """Return what undoes a version; see `reading.downgrade` and `step.check_transaction`."""
        step = reading.downgrade(self._status, version, self._stored)
        check_transaction(step, in_caller_transaction=self.in_caller_transaction)
        return step

    def done(self) -> None:
        """Remove the current step, which has been recorded."""
        self._steps.popleft()
