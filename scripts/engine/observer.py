"""Who watches a run: the protocol, and observers that need no console."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from scripts.engine.reported import Direction, Ended, Planned, Running, Sent, StepResult, Waiting
from scripts.errors import OutputError

if TYPE_CHECKING:
    from logging import Logger


class Observer(Protocol):
    """Watches a run."""

    def planned(self, environment: str, plan: Planned) -> None:
        """A run begins that has something to do."""

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """A migration begins."""

    def sent(self, environment: str, sent: Sent) -> None:
        """A statement begins; of plain INSERTs that share a message, the first of them."""

    def running(self, environment: str, running: Running) -> None:
        """A statement is still running: called about once a second."""

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Something is in the way; said again when that changes, and every ten seconds."""

    def finished(self, result: StepResult) -> None:
        """A migration is done and committed."""

    def ended(self, environment: str, end: Ended) -> None:
        """All is done that the run was to do."""

    def notice(self, environment: str, text: str) -> None:
        """Something worth a line, but not an error."""


class SilentObserver:
    """Does nothing: writing a script applies nothing."""

    def planned(self, environment: str, plan: Planned) -> None:
        """Say nothing."""

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Say nothing."""

    def sent(self, environment: str, sent: Sent) -> None:
        """Say nothing."""

    def running(self, environment: str, running: Running) -> None:
        """Say nothing."""

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Say nothing."""

    def finished(self, result: StepResult) -> None:
        """Say nothing."""

    def ended(self, environment: str, end: Ended) -> None:
        """Say nothing."""

    def notice(self, environment: str, text: str) -> None:
        """Say nothing."""


def logger() -> Logger:
    """Return what `LogObserver` writes to; the scripts do without logging."""
    import logging

    return logging.getLogger("upskill.migrations")


class LogObserver(SilentObserver):
    """Writes one log line per event: what plain `alembic` shows."""

    def planned(self, environment: str, plan: Planned) -> None:
        """Log how much there is to do, and where."""
        self.notice(environment, str(plan))

    def finished(self, result: StepResult) -> None:
        """Log what was done and how long it took."""
        self.notice(result.environment, str(result))

    def ended(self, environment: str, end: Ended) -> None:
        """Log what it took in all."""
        self.notice(environment, str(end))

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Log the line."""
        self.notice(environment, waiting.text)

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

    def planned(self, environment: str, plan: Planned) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.planned(environment, plan))

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.started(environment, filename, direction))

    def sent(self, environment: str, sent: Sent) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.sent(environment, sent))

    def running(self, environment: str, running: Running) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.running(environment, running))

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.waiting(environment, waiting))

    def finished(self, result: StepResult) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.finished(result))

    def ended(self, environment: str, end: Ended) -> None:
        """Pass it on."""
        self._pass(lambda: self._observer.ended(environment, end))

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
