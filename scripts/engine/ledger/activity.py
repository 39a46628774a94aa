"""What goes on in a database now: a run at work, whom it waits for, and the last failure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL

from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger
from scripts.engine.session import lock

if TYPE_CHECKING:
    from scripts.engine.session.blocking import Sample
    from scripts.engine.session.lock import Holder

# What a later success, rollback, repair or stamp came after is over.
_LAST_FAILURE = """
SELECT at, run, version, filename, direction, line, sqlstate, split_part(error, E'\\n', 1)
FROM {log} f WHERE event = 'failure' AND NOT EXISTS (SELECT FROM {log} l WHERE l.id > f.id
  AND (l.version = f.version AND l.event IN ('success', 'rollback', 'repair')
    OR l.event IN ('stamp', 'baseline') OR f.version IS NULL AND l.event = 'success'))
ORDER BY id DESC LIMIT 1
"""
_REACHED = """
SELECT at, run, version, filename, direction, line FROM {log}
WHERE event IN ('start', 'statement') ORDER BY id DESC LIMIT 1
"""
# The run's own session has the name of the one that has the lock.
_WAITING = """
SELECT pid FROM pg_stat_activity WHERE application_name = %s AND usename = %s AND pid <> %s
  AND datname = current_database() AND wait_event_type = 'Lock'
"""
_SAVEPOINT = "upskill_activity"


class Reached(NamedTuple):
    """The file that a run is at, as it has noted."""

    at: datetime
    run: str | None
    version: str | None
    filename: str | None
    direction: str | None
    line: int | None


class Failure(NamedTuple):
    """The last failure that nothing has made good."""

    at: datetime
    run: str | None
    version: str | None
    filename: str | None
    direction: str | None
    line: int | None
    sqlstate: str | None
    reason: str | None


class Activity(NamedTuple):
    """What goes on."""

    holder: Holder | None = None
    """The session of the run that is at work."""
    reached: Reached | None = None
    """Where that run is."""
    waits: Sample | None = None
    """What it waits for, and for whom."""
    failure: Failure | None = None


NOTHING = Activity()


def read(connection: Connection, ledger: Ledger) -> Activity:
    """Look what goes on; what the login may not see is left out.

    Args:
        connection: in a transaction.
        ledger: the database's; it need not be there.
    """
    holder = lock.holder(connection, ledger.table)
    waits = _waits(connection, holder) if holder else None
    if not (ledger.exists and event_table.columns(connection, ledger)):
        return Activity(holder, waits=waits)
    log = event_table.name(ledger)
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
            cursor.execute(SQL(_LAST_FAILURE).format(log=log))
            failed = cursor.fetchone()
            cursor.execute(SQL(_REACHED).format(log=log))
            reached = cursor.fetchone()
        except psycopg2.Error as error:
            # A log of another shape, or one that this login may not read, hides nothing else.
            if error.pgcode is None:
                raise
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            return Activity(holder, waits=waits)
    return Activity(
        holder,
        Reached(*reached) if holder and reached else None,
        waits,
        Failure(*failed) if failed else None,
    )


def _waits(connection: Connection, holder: Holder) -> Sample | None:
    from scripts.engine.session import blocking

    with connection.cursor() as cursor:
        cursor.execute(_WAITING, (holder.application, holder.user, holder.pid))
        for (pid,) in cursor.fetchall():
            cursor.execute(blocking.QUERY, {"pid": pid})
            found = blocking.sample_of(cursor.fetchall())
            if found:
                return found
    return None
