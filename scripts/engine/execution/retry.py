"""Retries after a lock timeout or a deadlock: a migration inside its own transaction.

The whole command is never run again: `upgrade +2`, counted anew from a moved head, would overshoot.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import TracebackType

from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.errors import StatementError
from scripts.sqltext.statements import Statement

SAVEPOINT = "upskill_migration"
"""Where a migration begins in its transaction, and is rolled back to.

`ROLLBACK TO SAVEPOINT` releases the locks taken since, so nobody waits for us in the pauses:
https://www.postgresql.org/docs/current/explicit-locking.html.
"""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_WORTH_IT = {
    "55P03": "lock not available in time",
    "40P01": "deadlock",
    "40001": "serialization failure",
}
_HINT = (
    "run the command again when the blocking sessions have ended; "
    "SELECT pg_terminate_backend(pid) ends one"
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
"""Seconds: after the first attempt, and at most."""


def possible(statements: tuple[Statement, ...]) -> bool:
    """Tell whether statements may run behind a savepoint: SET TRANSACTION may not."""
    return all(statement.words[:2] != ("SET", "TRANSACTION") for statement in statements)


class Attempt:
    """One attempt: a context manager around it, which lets a failure pass that is worth another."""

    def __init__(self, number: int, most: int) -> None:
        """Know which attempt it is, and how many there may be; the first is 1."""
        self.reason = ""
        """Why another attempt makes sense; "" if this one succeeded."""
        self.where = ""
        self._number, self._most = number, most

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        """Decide how to handle a failure."""
        if not isinstance(error, StatementError):
            return False
        reason = _WORTH_IT.get(error.sqlstate)
        if reason is None:
            return False
        if self._number == self._most:
            raise error.given_up(self._number, reason, _HINT) from error.__cause__
        self.reason, self.where = reason, error.where
        return True


def attempts(retries: int, back: Callable[[], object], notify: Notify) -> Iterator[Attempt]:
    """Yield attempts until one succeeds; use each as a context manager.

    Args:
        retries: how many times to try again, at most.
        back: undoes what a failed attempt has done.
        notify: is told of each failed attempt.

    Raises:
        StatementError: in the attempt: the last one's, or one that is not worth another.
        Interrupted: when a signal comes in a pause.
    """
    for number in range(1, retries + 2):
        attempt = Attempt(number, retries + 1)
        yield attempt
        if not attempt.reason:
            return
        back()
        pause = _pause(number)
        following = f"attempt {number + 1} of {retries + 1}"
        notify(f"{attempt.reason} ({attempt.where}); retrying in {pause:.1f} s ({following})")
        signals.pause(pause)


def _pause(tried: int) -> float:
    """Return the seconds to wait: twice as long each time, and spread so that two do not meet."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**tried)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - only spreads the tries
