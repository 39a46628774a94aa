"""Keeps a run from going on once it has lost the lock, and knows then what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scripts.errors import LockError


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The lock of a run; one that was made with the defaults has none, and lets all pass."""

    name: str
    """The environment's."""
    check: Callable[[], None] = lambda: None
    """Raises LockError when the lock is lost."""
    reread: Callable[[], str] = lambda: ""
    """Reads anew which version the database is at; "" where that can't be known."""

    def hold(self, current: str) -> None:
        """Make sure, before a step, that no other run is at work.

        Args:
            current: the version that this run has come to.

        Raises:
            LockError: when one may be; its state is what the database is at now.
        """
        try:
            self.check()
        except LockError as error:
            error.state = self.now(current)
            raise

    def hold_within(self, ran: int) -> None:
        """Make sure of it inside a file outside a transaction.

        Args:
            ran: how many of its statements have been run.

        Raises:
            LockError: when another may be at work; it knows how many had been run.
        """
        try:
            self.check()
        except LockError as error:
            error.ran = ran
            raise

    def now(self, current: str) -> str:
        """Say where the database is: another run may have moved it since the lock was lost.

        Args:
            current: the version that this run has come to.
        """
        at = self.reread()
        if not at:
            return f"{self.name} was at {current}, and can't be asked where it is now"
        moved = "" if at == current else f": another run has moved it from {current}"
        return f"{self.name} is at {at}{moved}"
