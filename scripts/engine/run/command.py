"""Alembic's commands, and what has to hold before each is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from scripts.engine.ledger import state
from scripts.engine.ledger.state import State
from scripts.errors import UsageError
from scripts.files import history
from scripts.files.history import History
from scripts.files.project import Environment


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

    def is_idle(self, found: State) -> bool:
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

    def check_writable(self, found: State) -> None:
        """Refuse a server that takes no writes; see `state.check_writable`."""
        if self.kind is not Kind.INSPECT:
            state.check_writable(found)

    def check(self, found: State) -> None:
        """Refuse what this database, with these files, must not be put through.

        Raises:
            UsageError: for a version that Alembic would take for another.
            MigrationError: see `state.check_upgrade` and `state.check_agreement`.
        """
        for version in [self.target] if isinstance(self.target, str) else list(self.target or ()):
            _check_target(found, version)
        if self.kind is Kind.UPGRADE:
            state.check_upgrade(found)
        elif self.kind is Kind.DOWNGRADE:
            state.check_agreement(found)


def _check_target(found: State, version: str) -> None:
    """Alembic takes `1` for the beginning of any version: 1 could become 100 in silence."""
    entry = found.history.find(version) if version.isascii() and version.isdigit() else None
    if entry and entry.version != version:
        raise UsageError(
            f"{found.name}: Alembic wants versions as they are written",
            way_out=f"did you mean {entry.version}?",
        )
