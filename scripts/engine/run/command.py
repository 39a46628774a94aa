"""The command of a run, and what must hold before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from scripts.engine import revision
from scripts.engine.reported import Direction
from scripts.engine.run.plan import Move
from scripts.engine.safeguards import agreement, half_applied, race
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Switches
from scripts.files import history, revision_file
from scripts.files.history import History


class Kind(Enum):
    """The commands, named after the functions that Alembic passes for them."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "do_stamp"
    BASELINE = "baseline"
    """Only the script's: what something else has migrated gets a ledger."""
    REPAIR = "repair"
    """Only the script's: rows of the ledger are put right."""
    INSPECT = "inspect"
    """All others: `current`, `check`, and programs that only read."""


class Command:
    """An upgrade or a downgrade to a version, compared as a number."""

    def __init__(self, kind: Kind, target: Any) -> None:
        """Ask for something.

        Args:
            kind: what.
            target: a version, as text, "head" or "base". Alembic's own command takes more.
        """
        self.kind = kind
        self.target = target

    def prepare(self, found: Status, *, idle: bool) -> None:
        """Check the revision files before anything runs: both doors run what they name.

        Args:
            found: the files and the database.
            idle: whether there is nothing to do.

        Raises:
            HistoryError: when a revision file differs from the template.
        """
        if not idle:
            revision_file.check(found.history, self.above(found))

    def above(self, found: Status) -> int:
        """Return the version, as a number, above which revision files matter; -1 for all of them.

        What is applied and stays is not run: Alembic alone loads its files, too. Where one of them
        is missing, the others may leave the order.
        """
        if found.ahead:
            return -1
        if self.kind is Kind.UPGRADE:
            return found.applied[-1].number if found.applied else -1
        return history.number(self.target) if str(self.target).isdigit() else -1

    def moves(self, found: Status) -> list[Move]:
        """Return the steps that lead to the target, from where the database is."""
        if self.kind is Kind.UPGRADE:
            if self.target == "base":
                return []
            last = None if self.target == "head" else history.number(self.target)
            return [
                Move(one.version, Direction.UP, one.version, revision.upgrade(one.version))
                for one in found.pending
                if last is None or one.number <= last
            ]
        floor = -1 if self.target == "base" else history.number(self.target)
        gone = [one.row.version for one in reversed(found.applied) if one.number > floor]
        return [
            Move(version, Direction.DOWN, found.below(version), revision.downgrade(version))
            for version in gone
        ]

    def check_files(self, files: History) -> None:
        """Check that the files are one history; a rollback needs none: a misnamed one is left.

        Raises:
            HistoryError: when the files do not form a history, and the command needs one.
        """
        if self.kind in (Kind.UPGRADE, Kind.STAMP, Kind.BASELINE, Kind.REPAIR):
            files.check()
        for problem in files.problems:
            if problem.code == "link-outside":
                raise problem  # Alembic runs revision files, wherever they lie

    def is_idle(self, found: Status) -> bool:
        """Tell whether there is nothing to do that needs the lock.

        A file that was started may belong to another run, still at work: its lock shows that.
        """
        if found.partial and self.kind in (Kind.UPGRADE, Kind.DOWNGRADE):
            return False
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
        """Refuse a read-only server; see `agreement.check_writable`."""
        if self.kind is not Kind.INSPECT:
            agreement.check_writable(found)

    def undoing(self, found: Status, choices: Switches) -> Step | None:
        """Refuse the command if a half-applied file prevents it, or return that file's rollback.

        Args:
            found: includes what the event log knows.
            choices: may name the half-applied version that is to be rolled back.

        Returns:
            The rollback to run instead of the command's own steps; None where none was asked for.

        Raises:
            RollbackError: when a half-applied file prevents it, or cannot be rolled back.
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

    def check(self, found: Status, before: str, confirmed: Sequence[Step] | None) -> None:
        """Refuse what must not be done to this database with these files.

        Args:
            found: the database as it is, with the lock held.
            before: the version that it was at before the wait for another run.
            confirmed: what people were shown of a rollback.

        Raises:
            UsageError: see `check_target`.
            LedgerError: for a rollback when another run was faster.
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
        """Refuse a target that could be taken for another; only Alembic's own command does."""

    def _check_unmoved(self, found: Status, before: str, confirmed: Sequence[Step] | None) -> None:
        """If another run was faster, roll back only what was meant.

        `-1` refers to the version that the database was at, and so does a confirmation; a version
        to go back to remains valid while the database has it.
        """
        if confirmed:
            race.check_applied(found, [step.version for step in confirmed])
        elif found.current != before and not self._is_applied(found):
            raise race.moved(found.name, found.current, before)

    def _is_applied(self, found: Status) -> bool:
        """Tell whether the target is a version that the database has, or base."""
        target = self.target
        if not isinstance(target, str):
            return False
        return target == "base" or (target.isdigit() and found.find(target) is not None)
