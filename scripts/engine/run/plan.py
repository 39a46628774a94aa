"""The steps that a run will take: read and checked before the first one runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from scripts.engine import reading
from scripts.engine.execution import event_log
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.table import Record
from scripts.engine.reported import Direction
from scripts.engine.revision import RevisionFunction
from scripts.engine.safeguards import own_tables
from scripts.engine.status import Status
from scripts.engine.step import Step, check_transaction
from scripts.errors import HistoryError, LedgerError

# Files are read before the first one runs, and read again as they run if they were too large to be
# kept, so a long history takes no more memory than a short one.
_KEEP_CHARACTERS = 4_000_000


_AT_ONCE = 500
"""Rollbacks whose SQL is read from the ledger in one query."""


class Stored(Protocol):
    """Reads what the ledger stores for rollbacks; see `stored_rollbacks`."""

    def texts(self, versions: Sequence[str]) -> Mapping[str, str | None]:
        """Return the SQL of each version."""

    def fingerprints(self, versions: Sequence[str]) -> Mapping[str, str]:
        """Return the SHA-256 of the SQL of each version."""


class Guards(Protocol):
    """Checks rollbacks before they run; see `safeguards.protection`."""

    def check(self, steps: Sequence[Step]) -> frozenset[str]:
        """Refuse what may not be dropped; return the versions that must be checked again."""

    def announce(self, steps: Sequence[Step]) -> None:
        """Say what is destroyed, if nobody was shown it."""


class Move(NamedTuple):
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
        confirmed: tuple[Step, ...] | None = None,
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
        self._kept: dict[str, tuple[Step, Record | None]] = {}
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

    @property
    def coming(self) -> Step | None:
        """Return the step whose turn it is, if it is at hand and nothing is asked before it."""
        kept = self._kept.get(self._steps[0].version or "") if self._steps else None
        if kept is None or kept[0].version in self._guarded:
            return None
        return kept[0]

    def read(self, moves: Iterable[Move]) -> None:
        """Read the SQL of all steps, so that problems are found before anything changes.

        Raises:
            MigrationError: see `reading.upgrade`, `reading.downgrade`, `step.check_transaction` and
                `own_tables.check`.
        """
        moves = list(moves)
        undone: list[Step] = []
        for start in range(0, len(moves), _AT_ONCE):
            some = moves[start : start + _AT_ONCE]
            back = [one.version for one in some if one.direction is Direction.DOWN]
            downs = self._rollbacks(back)
            undone += downs.values()
            self._steps.extend(self._read(move, downs) for move in some)
        self.undo(undone)

    def _rollbacks(self, versions: Sequence[str]) -> dict[str, Step]:
        if self._stored and self._confirmed is not None:
            return self._shown(versions, self._stored, self._confirmed)
        texts = self._stored.texts(versions) if self._stored and versions else {}
        return {version: self._downgrade(version, texts) for version in versions}

    def _shown(
        self, versions: Sequence[str], stored: Stored, confirmed: Sequence[Step]
    ) -> dict[str, Step]:
        """Return what people were shown, and was read for that, if the ledger still stores it."""
        shown = {step.version: step for step in confirmed}
        prints = stored.fingerprints(versions)
        for version in versions:
            if version not in shown or shown[version].rollback_checksum != prints.get(version):
                raise self._changed()
        return {version: shown[version] for version in versions}

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
        if self._confirmed is not None and _texts(undone) != _texts(self._confirmed):
            raise self._changed()
        if undone and self._guards:
            self._guarded = self._guards.check(undone)
            self._guards.announce(undone)

    def _changed(self) -> LedgerError:
        return LedgerError(
            "the database changed after the preview",
            state=f"nothing was rolled back; {self._status.name} is at {self._status.current}",
            hint="run the command again, and check the new preview",
        )

    def _read(self, move: Move, downs: Mapping[str, Step]) -> Event:
        record: Record | None = None
        if move.direction is Direction.DOWN:
            step = downs[move.version]
        else:
            step, record = reading.upgrade(self._status, move.version)
            check_transaction(step, in_caller_transaction=self.in_caller_transaction)
        own_tables.check(step, self._status.ledger)
        self._kept_characters += step.section.length
        # The first one is run at once, so that it takes no more memory later.
        is_kept = self._kept_characters < _KEEP_CHARACTERS or not self._kept
        if is_kept or self._confirmed is not None:
            self._kept[step.version] = step, record
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
        step, record = self._kept.pop(version, (None, None))
        if step is None or record is None:
            step, record = reading.upgrade(self._status, version)
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
        """Return what undoes a version; see `reading.downgrade` and `step.check_transaction`.

        What was read before the first step is what runs: the deletion of its row holds it against
        the stored SQL.
        """
        step, _ = self._kept.pop(version, (None, None))
        return step or self._rollbacks([version])[version]

    def _downgrade(self, version: str, texts: Mapping[str, str | None]) -> Step:
        step = reading.downgrade(self._status, version, texts.get if self._stored else None)
        check_transaction(step, in_caller_transaction=self.in_caller_transaction)
        return step

    def done(self) -> None:
        """Remove the current step, which has been recorded."""
        self._steps.popleft()


def _texts(steps: Iterable[Step]) -> list[tuple[str, str, str]]:
    """Return what makes rollbacks what they are: version, SQL, and how it is run."""
    return [(step.version, step.section.text, step.header.directives()) for step in steps]
