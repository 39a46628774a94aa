"""What a run reports as it goes: values for an observer."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from scripts.errors import OutputError
from scripts.sqltext import duration

if TYPE_CHECKING:
    from logging import Logger


class Direction(Enum):
    """Which section of a migration is run."""

    UP = "up"
    DOWN = "down"


class StepResult(NamedTuple):
    """One migration, applied or rolled back, and committed."""

    environment: str
    version: str
    filename: str
    direction: Direction
    statements: int
    duration_ms: int


class Observer(Protocol):
    """Watches a run."""

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """A migration begins."""

    def finished(self, result: StepResult) -> None:
        """A migration is done and committed."""

    def notice(self, environment: str, text: str) -> None:
        """Something worth a line, but not an error."""


class SilentObserver:
    """Does nothing: writing a script applies nothing."""

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Say nothing."""

    def finished(self, result: StepResult) -> None:
        """Say nothing."""

    def notice(self, environment: str, text: str) -> None:
        """Say nothing."""


def logger() -> Logger:
    """Return what `LogObserver` writes to; the scripts do without logging."""
    import logging

    return logging.getLogger("upskill.migrations")


class LogObserver(SilentObserver):
    """Writes one log line per event: what plain `alembic` shows."""

    def finished(self, result: StepResult) -> None:
        """Log what was done and how long it took."""
        logger().info(
            "%s: %s %s (%s)",
            result.environment,
            "applied" if result.direction is Direction.UP else "rolled back",
            result.filename,
            duration.text(result.duration_ms),
        )

    def notice(self, environment: str, text: str) -> None:
        """Log the line."""
        logger().info("%s: %s", environment, text)


class GuardedObserver:
    """Keeps an observer's failure until the run is at a safe place; from there on it is silent.

    A run must not end in the middle of a statement because its output cannot be written: what an
    observer raises there would be taken for a lost connection.
    """

    def __init__(self, observer: Observer) -> None:
        """Pass on to that one."""
        self._observer = observer
        self._failure: Exception | None = None

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.started(environment, filename, direction))

    def finished(self, result: StepResult) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.finished(result))

    def notice(self, environment: str, text: str) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.notice(environment, text))

    def check(self) -> None:
        """Stop here if the observer has failed.

        Raises:
            OutputError: with its reason.
        """
        if self._failure:
            raise OutputError.of(self._failure) from self._failure

    def _pass(self, call: Callable[[], None]) -> None:
        if self._failure:
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001 - `check` raises it
            self._failure = error
