"""The boundary at which an error learns what only the whole operation knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psycopg2

from scripts.engine import disclosure
from scripts.engine.session import signals
from scripts.errors import FileError, Interrupted, MigrationError, ServerError


@contextmanager
def located(environment: str, state: str) -> Iterator[None]:
    """Add the environment and the state to an error of a `with` block, if it lacks them.

    Args:
        environment: its name.
        state: the state, for errors that do not say it themselves.

    Raises:
        MigrationError: the one that was raised, or one for an error of the driver.
    """
    try:
        with explained(partial(ended, state=state)):
            yield
    except MigrationError as error:
        error.complete(environment=environment, state=state)
        raise


@contextmanager
def explained(by: Callable[[psycopg2.Error], MigrationError]) -> Iterator[None]:
    """Turn what the driver or the disk raises in a `with` block into an error of ours.

    Args:
        by: makes one of the driver's error.

    Raises:
        MigrationError: the one that was made.
    """
    try:
        yield
    except psycopg2.Error as error:
        raise by(error) from error
    except OSError as error:
        raise FileError.of(error) from error


def ended(error: psycopg2.Error, state: str, *, what: str = "", where: str = "") -> MigrationError:
    """Return the error for a failure outside a file's statements: of the server or the network.

    Args:
        error: the driver's.
        state: the state of the database.
        what: what failed, if more is known than that the connection was lost. The reason is the
            server's message if it has given one.
        where: the file that was running.
    """
    lost = "the connection was lost" if is_lost(error) else "a statement of the run itself failed"
    what = what or lost
    said = disclosure.of_error(error)
    if signals.received():
        return Interrupted(signals.received(), where=where, detail=said, state=state)
    headline, _, more = said.partition("\n")
    reason, detail = (what, said) if is_lost(error) else (headline, f"{what}\n{more}".strip())
    return ServerError(
        reason,
        where=where,
        detail=detail,
        state=state,
        hint="run the command again: it continues from there",
    )


def is_lost(error: psycopg2.Error) -> bool:
    """Tell whether the connection was ended, by the server or the network."""
    return error.diag.message_primary is None or (error.pgcode or "").startswith(("57P", "08"))
