"""Looks at a database: what is applied and pending, and what runs have done."""

from __future__ import annotations

import psycopg2

from scripts.engine import disclosure, settings, status
from scripts.engine.ledger import elsewhere, events, lookup
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.status import Status
from scripts.errors import ServerError
from scripts.files import history
from scripts.files.project import Environment, Project


def look(project: Project, environment: Environment, say: Notify) -> Status:
    """Read an environment's files and ledger; changes nothing, and works with files misnamed.

    Args:
        project: the checkout.
        environment: which of its environments.
        say: is told when the server lets us wait, and of a ledger that can't be read.

    Raises:
        UsageError: when no URL is set.
        ServerError: when the database can't be reached.
        LedgerError: when the ledger can't be read as one, or lies elsewhere.
    """
    chosen = settings.load(project, environment)
    notify = named(say, environment)
    with database.connection(project, chosen, notify) as connection:
        found = status.read(connection, chosen, history.survey(environment)[0])
    for remark in found.remarks:
        notify(remark)
    return found


def latest_events(
    project: Project, environment: Environment, count: int, say: Notify
) -> list[events.Row] | None:
    """Read the last rows of an environment's event log, the oldest of them first.

    Returns:
        None where there is no event log.

    Raises:
        UsageError: when no URL is set.
        ServerError: when the database can't be reached, or the log can't be read.
        LedgerError: when the ledger, and with it the log, lies elsewhere.
    """
    chosen = settings.load(project, environment)
    with database.connection(project, chosen, named(say, environment)) as connection:
        try:
            found = lookup.find(connection, chosen.ledger)
            has_rows = bool(lookup.rows(connection, found))
            files = history.survey(environment)[0]
            elsewhere.check(connection, found, files, has_rows=has_rows)
            if not events.columns(connection, found):
                return None
            return events.latest(connection, found, count)
        except (psycopg2.Error, ValueError) as error:
            raise ServerError(
                f"{environment.name}: the event log can't be read",
                detail=disclosure.of_error(error)
                if isinstance(error, psycopg2.Error)
                else disclosure.of_library(error),
                state="nothing was changed",
            ) from error


def named(say: Notify, environment: Environment) -> Notify:
    return lambda text: say(f"{environment.name}: {text}")
