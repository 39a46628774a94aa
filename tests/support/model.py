"""What runs do to a history, in a few lines: which migrations there are, and which are applied."""

from __future__ import annotations

from dataclasses import dataclass, field

OK, FAILED, USAGE = 0, 1, 2


def name(number: int) -> str:
    """Return the version as files and Alembic have it."""
    return f"{number:03}"


def is_outside(number: int) -> bool:
    """Tell whether a migration runs outside a transaction: every second one does."""
    return number % 2 == 1


@dataclass
class Model:
    """A history without gaps: files 1 to `files`, of which 1 to `applied` are applied.

    More may be applied than there are files: the database is ahead of the checkout then.
    Every command returns its exit code, which the door decides in places:
    tests/doors/test_differences.py says why.
    """

    files: int = 0
    written: int = 0
    """As many as there ever were: those that were deleted can be restored."""
    applied: int = 0
    broken: int = 0
    """The one whose UP fails; 0 where none does."""
    half: int = 0
    """The one that failed outside a transaction, and is applied in part; 0 where none is."""
    log: list[str] = field(default_factory=list)
    """What the event log says of steps that were done."""

    @property
    def versions(self) -> list[str]:
        """Return what the ledger has."""
        return [name(number) for number in range(1, self.applied + 1)]

    @property
    def tables(self) -> list[str]:
        """Return what migrations have made."""
        made = [*self.versions, name(self.half)] if self.half else self.versions
        return [f"t_{version}" for version in made]

    @property
    def is_stuck(self) -> bool:
        """Tell whether the half-applied file is not here."""
        return self.half > self.files

    def up_to_head(self, door: str) -> int:
        """Apply all that there is."""
        if self.is_stuck:
            return FAILED
        return self._up(self.files)

    def up_to(self, number: int, door: str) -> int:
        """Apply up to a version."""
        is_there = number <= self.files
        if number <= self.applied:
            if door == "alembic":
                return FAILED if self.is_stuck else OK
            if not self.is_stuck:
                return OK if number == self.applied and is_there else USAGE
        if self.is_stuck:
            return FAILED
        return self._up(number) if is_there else USAGE

    def up_by(self, count: int) -> int:
        """Apply so many."""
        if self.is_stuck:
            return FAILED
        is_there = self.applied + count <= self.files
        return self._up(self.applied + count) if is_there else USAGE

    def down_by(self, count: int, door: str) -> int:
        """Roll back so many."""
        nothing = not self.applied and count == 1 and door == "scripts"
        if self.half:
            return FAILED if door == "alembic" or nothing or count <= self.applied else USAGE
        if nothing:
            return OK
        return self._down(self.applied - count) if count <= self.applied else USAGE

    def down_to(self, number: int, door: str) -> int:
        """Roll back to a version, or to base, which is 0."""
        if self.half and door == "alembic":
            return FAILED
        if number > self.applied:
            return USAGE
        return FAILED if self.half else self._down(number)

    def down_partial(self) -> int:
        """Roll back the half-applied file."""
        if not self.half:
            return USAGE
        self.log.append(f"rollback {name(self.half)} down")
        self.half = 0
        return OK

    def _up(self, last: int) -> int:
        for number in range(self.applied + 1, last + 1):
            if number == self.broken:
                self.half = number if is_outside(number) else 0
                return FAILED
            self.applied, self.half = number, 0
            self.log.append(f"success {name(number)} up")
        return OK

    def _down(self, last: int) -> int:
        while self.applied > last:
            self.log.append(f"rollback {name(self.applied)} down")
            self.applied -= 1
        return OK
