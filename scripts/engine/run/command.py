"""Alembic's commands, and what has to hold before each is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from scripts.engine.safeguards import agreement, race
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files import history
from scripts.files.history import History
from scripts.files.project import Environment

Confirmed = tuple[tuple[str, str], ...]
"""Versions and SQL, the first one to be rolled back comes first."""


class Kind(Enum):
    """The name of the function that Alembic hands over for a command."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "do_stamp"
    INSPECT = "inspect"
    """All others: `current`, `check`, and programs that only look."""


@dataclass(frozen=True)
class Command:
    """What Alembic is at."""

    kind: Kind
    target: Any
    """The version asked for, as Alembic takes it: "head", "base", a number, several, or none."""

    @classmethod
    def of(cls, options: dict[str, Any]) -> Command:
        """Recognise the command by Alembic's function, or by pytest-alembic's of the same name.

        Args:
            options: those of Alembic's environment context.
        """
        name = getattr(options["fn"], "__name__", "")
        kind = next((kind for kind in Kind if kind.value == name), Kind.INSPECT)
        return cls(kind, options.get("destination_rev"))

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

    def check(self, found: Status, before: str, confirmed: Confirmed | None) -> None:
        """Refuse what this database, with these files, must not be put through.

        Args:
            found: the database as it is, with the lock held.
            before: the version that it was at before another run was waited for.
            confirmed: what people were shown of a rollback.

        Raises:
            UsageError: for a version that Alembic would take for another, and several for a stamp.
            LedgerError: for a rollback that another run was faster than.
            MigrationError: see `agreement.check_upgrade` and `agreement.check_agreement`.
        """
        if self.kind is Kind.DOWNGRADE:
            self._check_unmoved(found, before, confirmed)
        targets = [self.target] if isinstance(self.target, str) else list(self.target or ())
        if self.kind is Kind.STAMP and len(targets) > 1:
            raise UsageError(
                f"{found.name}: a stamp takes one version, and these are given: "
                f"{', '.join(map(str, targets))}",
                detail="the migrations are one line: what lies below a version is stamped with it",
                way_out=f"alembic -n {found.name} stamp {targets[-1]}",
            )
        for version in targets:
            _check_target(found, version)
        if self.kind is Kind.UPGRADE:
            agreement.check_upgrade(found)
        elif self.kind is Kind.DOWNGRADE:
            agreement.check_agreement(found)

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


def _check_target(found: Status, version: str) -> None:
    """Alembic takes `1` for the beginning of any version: 1 could become 100 in silence."""
    entry = found.history.find(version) if version.isascii() and version.isdigit() else None
    if entry and entry.version != version:
        raise UsageError(
            f"{found.name}: Alembic wants versions as they are written",
            way_out=f"did you mean {entry.version}?",
        )
