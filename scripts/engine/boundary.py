"""The boundary at which an error learns what only the whole operation knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.errors import MigrationError


@contextmanager
def located(environment: str, state: str) -> Iterator[None]:
    """Add the environment and the state to an error of a `with` block, if it lacks them.

    Args:
        environment: its name.
        state: the state, for errors that do not say it themselves.
    """
    try:
        yield
    except MigrationError as error:
        error.complete(environment=environment, state=state)
        raise
