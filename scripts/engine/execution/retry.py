"""What meets a lock or a deadlock is tried again: a migration inside its own transaction.

The whole command is never run again: `upgrade +2`, counted anew from a moved head, would overshoot.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.errors import StatementError
from scripts.sqltext.statements import Statement

SAVEPOINT = "upskill_migration"
"""Where a migration begins in its transaction, and is rolled back to.

`ROLLBACK TO SAVEPOINT` gives back the locks taken since, so nobody waits for us in the pauses:
https://www.postgresql.org/docs/current/explicit-locking.html.
"""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_WORTH_IT = {"55P03": "lock not available in time", "40P01": "deadlock"}
_HINT = (
    "run the command again when the sessions that are in the way have ended; "
    "SELECT pg_terminate_backend(pid) ends one"
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
"""Seconds: after the first try, and at most."""


def possible(statements: tuple[Statement, ...]) -> bool:
    """Tell whether statements may run behind a savepoint: SET TRANSACTION may not."""
    return all(statement.words[:2] != ("SET", "TRANSACTION") for statement in statements)


def run(
    attempt: Callable[[], None], back: Callable[[], object], retries: int, notify: Notify
) -> None:
    """Run something, again and again while it fails for a lock or a deadlock.

    Args:
        attempt: what to run.
        back: undoes what a failed try has done.
        retries: how many times to try again, at most.
        notify: is told of each failed try.

    Raises:
        StatementError: the last one, or the first that is not worth another try.
        Interrupted: when a signal comes in a pause.
    """
    for left in range(retries, -1, -1):
        try:
            attempt()
        except StatementError as error:
            reason = _WORTH_IT.get(error.sqlstate)
            if reason is None:
                raise
            tried = retries - left + 1
            if not left:
                raise error.given_up(tried, reason, _HINT) from error.__cause__
            back()
            pause = _pause(tried)
            attempt_of = f"attempt {tried + 1} of {retries + 1}"
            notify(f"{reason} ({error.where}); retrying in {pause:.1f} s ({attempt_of})")
            signals.pause(pause)
        else:
            return


def _pause(tried: int) -> float:
    """Return the seconds to wait: twice as long each time, and spread so that two do not meet."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**tried)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - only spreads the tries
