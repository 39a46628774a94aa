"""What a run reports as it goes, as values: an observer is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.errors import counted
from scripts.sqltext import duration

if TYPE_CHECKING:
    from scripts.sqltext.statements import Statement


class Direction(Enum):
    """Which section of a migration is run."""

    UP = "up"
    DOWN = "down"

    @property
    def done(self) -> str:
        """Return what was done with a migration, for people."""
        return "applied" if self is Direction.UP else "rolled back"


class StepResult(NamedTuple):
    """One migration, applied or rolled back, and committed."""

    environment: str
    version: str
    filename: str
    direction: Direction
    statements: int
    duration_ms: int

    def __str__(self) -> str:
        """Return it for people: "applied 003_x.sql (5 ms)"."""
        return f"{self.direction.done} {self.filename} ({duration.text(self.duration_ms)})"


class Planned(NamedTuple):
    """A run that has something to do."""

    run: str
    """Its name in the event log; "" where it writes none."""
    migrations: int
    direction: Direction
    server: str
    """User, host, port and database: "app@db.prod:5432/course"."""

    def __str__(self) -> str:
        """Return it for people: "3 migrations to apply on app@db.prod:5432/course"."""
        verb = "apply" if self.direction is Direction.UP else "roll back"
        return f"{counted(self.migrations, 'migration')} to {verb} on {self.server}"


class Ended(NamedTuple):
    """A run that has done all that it was to do."""

    migrations: int
    direction: Direction
    duration_ms: int
    at: str
    """The version that the database is at, or "base"."""

    def __str__(self) -> str:
        """Return it for people: "3 migrations applied in 1.2 s, at 003"."""
        took = duration.text(self.duration_ms)
        what = counted(self.migrations, "migration")
        return f"{what} {self.direction.done} in {took}, at {self.at}"


class Sent(NamedTuple):
    """A statement that is about to run."""

    filename: str
    version: str
    statement: Statement
    number: int
    """In its section; the first is 1."""
    of: int
    """How many the section has."""


class Running(NamedTuple):
    """How far the statement is that was sent last."""

    seconds: float
    phase: str = ""
    """What the server says that it does; "" where it does not say."""
    percent: float | None = None
    """Of that phase."""
    waits: bool = False
    """Whether another session is in its way."""


class Waiting(NamedTuple):
    """A run, or a statement of it, waits for others."""

    wants: str
    """What for: "ACCESS EXCLUSIVE on courses", "another run"."""
    seconds: float
    blocked_by: tuple[Mapping[str, Any], ...]
    """What is known of each session that is in the way."""
    text: str
    """All of it, for people."""
