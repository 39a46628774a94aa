"""What runs do to a history, in a few lines: which migrations there are, and which are applied."""

from __future__ import annotations

from dataclasses import dataclass, field

OK, FAILED, USAGE = 0, 1, 2


def name(number: int) -> str:
    """Return the version as files and Alembic have it."""
    return f"{number:03}"


@dataclass
class Model:
    """A history without gaps: files 1 to `files`, of which 1 to `applied` are applied.

    More may be applied than there are files: the database is ahead of the checkout then.
    """

    files: int = 0
    written: int = 0
    """As many as there ever were: those that were deleted can be restored."""
    applied: int = 0
    broken: int = 0
    """The one whose UP fails; 0 where none does."""
    log: list[str] = field(default_factory=list)
    """What the event log says of steps that were done."""

    @property
    def versions(self) -> list[str]:
        """Return what the ledger has."""
        return [name(number) for number in range(1, self.applied + 1)]

    def up_to_head(self) -> int:
        """Apply all that there is, and return the exit code, as everything here does."""
        return self._up(max(self.files, self.applied))

    def up_to(self, number: int, door: str) -> int:
        """Apply up to a version."""
        if number == self.applied <= self.files:
            return OK
        if number <= self.applied:
            # Alembic has nothing to do there; migrate.py says that the database is past it, or, of
            # a file that is not there, that it is not.
            return OK if door == "alembic" else USAGE
        return self._up(number) if number <= self.files else USAGE

    def up_by(self, count: int) -> int:
        """Apply so many."""
        there = self.applied + count <= self.files
        return self._up(self.applied + count) if there else USAGE

    def down_by(self, count: int, door: str) -> int:
        """Roll back so many."""
        if not self.applied and count == 1 and door == "scripts":
            return OK  # nothing to roll back; Alembic takes it for a mistake
        return self._down(self.applied - count) if count <= self.applied else USAGE

    def down_to(self, number: int) -> int:
        """Roll back to a version, or to base, which is 0."""
        return self._down(number) if number <= self.applied else USAGE

    def _up(self, last: int) -> int:
        for number in range(self.applied + 1, last + 1):
            if number == self.broken:
                return FAILED
            self.applied = number
            self.log.append(f"success {name(number)} up")
        return OK

    def _down(self, last: int) -> int:
        while self.applied > last:
            self.log.append(f"rollback {name(self.applied)} down")
            self.applied -= 1
        return OK
