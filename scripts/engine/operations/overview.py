"""Reads a database: what is applied and pending, and what runs have done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import boundary, disclosure
from scripts.engine import status as status_module
from scripts.engine.ledger import lookup
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import ServerError
from scripts.files import history

if TYPE_CHECKING:
    from scripts.engine.ledger.activity import Activity
    from scripts.engine.ledger.event_rows import Row


Found = TypeVar("Found")


def status(settings: Settings, notify: Notify) -> Status:
    """Read an environment's files and ledger; see `seen`."""
    return _seen(settings, notify, lambda _, found: found)


def seen(settings: Settings, notify: Notify) -> tuple[Status, Activity]:
    """Read an environment's files and ledger, and what goes on in its database.

    It changes nothing, and works with misnamed files.

    Args:
        settings: whose database.
        notify: is told when the server keeps us waiting, and of a ledger that cannot be read.

    Raises:
        ServerError: when the database cannot be reached.
        LedgerError: when the ledger cannot be read, or is elsewhere.
    """
    from scripts.engine.ledger import activity

    return _seen(settings, notify, lambda to, found: (found, activity.read(to, found.ledger)))


def _seen(settings: Settings, notify: Notify, then: Callable[[Connection, Status], Found]) -> Found:
    tell = named(notify, settings)
    with boundary.located(settings.name, "nothing was changed"):
        with database.connection(settings, tell) as connection:
            files = history.survey(settings.environment)[0]
            found = status_module.read(connection, settings, files)
            result = then(connection, found)
        for remark in found.remarks:
            tell(remark)
        return result


def latest_events(
    settings: Settings, count: int, notify: Notify, run: str | None = None
) -> list[Row] | None:
    """Read the last rows of an environment's event log, the oldest of them first.

    Args:
        settings: whose database.
        count: how many rows at most, unless a run is asked for.
        notify: is told when the server keeps us waiting.
        run: see `event_rows.latest`.

    Returns:
        None where there is no event log.

    Raises:
        ServerError: when the database cannot be reached, or the log cannot be read.
        LedgerError: when the ledger, and with it the log, lies elsewhere.
    """
    from scripts.engine.ledger import elsewhere, event_rows, event_table

    with (
        boundary.located(settings.name, "nothing was changed"),
        database.connection(settings, named(notify, settings)) as connection,
    ):
        try:
            found = lookup.find(connection, settings.ledger)
            if not lookup.contents(connection, found)[0]:
                elsewhere.check(connection, found, history.survey(settings.environment)[0])
            if not event_table.columns(connection, found):
                return None
            return event_rows.latest(connection, found, count, run)
        except (psycopg2.Error, ValueError) as error:
            raise ServerError(
                "cannot read the event log",
                detail=disclosure.of_exception(error),
            ) from error


def named(notify: Notify, settings: Settings) -> Notify:
    """Return what puts the environment's name ahead of each line."""
    return lambda text: notify(f"{settings.name}: {text}")
