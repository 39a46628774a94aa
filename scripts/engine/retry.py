"""A migration that meets a lock or a deadlock is tried again, inside its own transaction.

The whole command is never run again: `upgrade +2`, counted anew from a moved head, would overshoot.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from scripts.engine.execution import Execute
from scripts.errors import StatementError
from scripts.files.statements import Statement

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_WORTH_IT = {"55P03": "a lock was not to be had in time", "40P01": "a deadlock"}
_SAVEPOINT = "upskill_migration"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
"""Seconds: after the first try, and at most."""


def possible(statements: tuple[Statement, ...]) -> bool:
    """Tell whether statements may run behind a savepoint: SET TRANSACTION may not."""
    return all(statement.words[:2] != ("SET", "TRANSACTION") for statement in statements)


def run(
    attempt: Callable[[], None],
    execute: Execute,
    retries: int,
    say: Callable[[str], None],
) -> None:
    """Run something behind a savepoint, again and again while it fails for a lock or a deadlock.

    `ROLLBACK TO SAVEPOINT` gives back the locks taken since, so nobody waits for us in the pauses:
    https://www.postgresql.org/docs/current/explicit-locking.html.

    Args:
        attempt: what to run.
        execute: sends SQL on the connection, in the transaction that is open.
        retries: how many times to try again, at most.
        say: is told of each failed try.

    Raises:
        StatementError: the last one, or the first that is not worth another try.
    """
    execute(f"SAVEPOINT {_SAVEPOINT};")
    for left in range(retries, -1, -1):
        try:
            attempt()
        except StatementError as error:
            reason = _WORTH_IT.get(error.sqlstate)
            if reason is None:
                raise
            tried = retries - left + 1
            if not left:
                error.detail += f"\ntried {tried} times: {reason}"
                raise
            execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
            pause = _pause(tried)
            say(f"{reason} ({error.where}); try {tried + 1} of {retries + 1} in {pause:.1f} s")
            time.sleep(pause)
        else:
            return


def _pause(tried: int) -> float:
    """Return the seconds to wait: twice as long each time, and spread so that two do not meet."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**tried)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - only spreads the tries
