"""What a run is asked for, and what has to hold before it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from scripts.engine import revision
from scripts.engine.observer import Direction
from scripts.engine.run.plan import Move
from scripts.engine.safeguards import agreement, half_applied, race
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Confirmed, Switches
from scripts.files import history, revision_file
from scripts.files.history import History
from scripts.files.project import Environment


class Kind(Enum):
    """The commands, named as the functions that Alembic hands over for them."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "do_stamp"
    INSPECT = "inspect"
    """All others: `current`, `check`, and programs that only look."""


@dataclass(frozen=True)
class Command:
    """An upgrade or a downgrade to a version, compared as a number."""

    kind: Kind
    target: Any
    """The version asked for: a number as text, "head" or "base". Alembic's own takes more."""

    def prepare(self, found: Status, *, idle: bool) -> None:
        """Check the revision files before anything runs: both doors run what they point at.

        Args:
            found: the files and the database.
            idle: whether there is nothing to do.

        Raises:
            HistoryError: when a revision file is not what the template makes.
        """
        if not idle:
            revision_file.check(found.history)

    def moves(self, found: Status) -> list[Move]:
        """Return the steps that lead to the target, from where the database is."""
        if self.kind is Kind.UPGRADE:
            last = None if self.target == "head" else history.number(self.target)
            return [
                Move(one.version, Direction.UP, one.version, revision.upgrade(one.version))
                for one in found.pending
                if last is None or one.number <= last
            ]
        floor = -1 if self.target == "base" else history.number(self.target)
        gone = [one.row.version for one in reversed(found.applied) if one.number > floor]
        below = [*gone[1:], self.target]
        return [
            Move(version, Direction.DOWN, reached, revision.downgrade(version))
            for version, reached in zip(gone, below, strict=False)
        ]

    def history(self, environment: Environment) -> History:
        """Read the files: going back needs none, so one that is misnamed must not stop it.

        Raises:
            HistoryError: when the files are not a history, and the command goes by them.
        """
        if self.kind in (Kind.UPGRADE, Kind.STAMP):
            return history.read(environment)
        found, problems = history.survey(environment)
        for problem in problems:
            if problem.code == "link-outside":
                raise problem  # Alembic runs revision files, wherever they lie
        return found

    def is_idle(self, found: Status) -> bool:
        """Tell whether there is nothing to do that a lock would be needed for."""
        if self.kind is Kind.DOWNGRADE:
            return self.target == found.current and found.alembic_heads in ((self.target,), ())
        if self.kind is not Kind.UPGRADE:
            return self.kind is Kind.INSPECT
        if self.target in ("head", "heads"):
            return not found.pending
        if not isinstance(self.target, str) or not self.target.isdigit():
            return False
        entry = found.history.find(self.target)
        return entry is not None and found.find(entry.version) is not None

    def check_writable(self, found: Status) -> None:
        """Refuse a server that takes no writes; see `agreement.check_writable`."""
        if self.kind is not Kind.INSPECT:
            agreement.check_writable(found)

    def undoing(self, found: Status, choices: Switches) -> Step | None:
        """Refuse what a half-applied file is in the way of, or return that file's rollback.

        Args:
            found: with what the event log knows.
            choices: may name the half-applied version that is to be rolled back.

        Returns:
            The rollback to run instead of the command's own steps; None where none was asked for.

        Raises:
            RollbackError: when a half-applied file is in the way, or cannot be rolled back.
            LedgerError: see `half_applied.check_upgrade`.
            UsageError: when the version named is not half applied.
        """
        if choices.partial is not None:
            begun = half_applied.named(found, choices.partial)
            if self.kind is not Kind.DOWNGRADE:
                raise half_applied.not_a_downgrade(found, begun)
            return half_applied.undo(found, begun, use_file=choices.use_file)
        if self.kind is Kind.DOWNGRADE:
            half_applied.refuse(found)
        elif self.kind is Kind.UPGRADE:
            half_applied.check_upgrade(found)
        return None

    def check(self, found: Status, before: str, confirmed: Confirmed | None) -> None:
        """Refuse what this database, with these files, must not be put through.

        Args:
            found: the database as it is, with the lock held.
            before: the version that it was at before another run was waited for.
            confirmed: what people were shown of a rollback.

        Raises:
            UsageError: see `check_target`.
            LedgerError: for a rollback that another run was faster than.
            MigrationError: see `agreement.check_upgrade` and `agreement.check_agreement`.
        """
        if self.kind is Kind.DOWNGRADE:
            self._check_unmoved(found, before, confirmed)
        self.check_target(found)
        if self.kind is Kind.UPGRADE:
            agreement.check_upgrade(found)
        elif self.kind is Kind.DOWNGRADE:
            agreement.check_agreement(found)

    def check_target(self, found: Status) -> None:
        """Refuse a target that would be taken for another: Alembic's own does."""

    def _check_unmoved(self, found: Status, before: str, confirmed: Confirmed | None) -> None:
        """Roll back nothing but what was meant, where another run was faster.

        `-1` was said of the version that the database was at, and so was a confirmation; a version
        to go back to is as good as before while the database has it.
        """
        if confirmed:
            race.check_applied(found, [version for version, _ in confirmed])
        elif found.current != before and not self._is_applied(found):
            raise race.moved(found.name, found.current, before)

    def _is_applied(self, found: Status) -> bool:
        """Tell whether the target is a version that the database has, or base."""
        target = self.target
        if not isinstance(target, str):
            return False
        return target == "base" or (target.isdigit() and found.find(target) is not None)
