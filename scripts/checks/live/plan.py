"""The plan of a deployment: what the pending migrations will lock, and how large that is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog.unlocked import PATIENCE_MS
from scripts.checks.finding import Finding
from scripts.checks.live import expected
from scripts.checks.shadow.servers import Servers
from scripts.checks.shadow.stage import Failed
from scripts.checks.touch import Touch, Weight
from scripts.engine import reading
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.sqltext import duration

_SAVEPOINT = "upskill_plan"
_ROWS = """
SELECT CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END,
  c.relpages::bigint * current_setting('block_size')::bigint
FROM pg_class c WHERE c.oid = to_regclass(%s)
"""
_SIZE = "SELECT pg_total_relation_size(to_regclass(%s))"
# Others' transactions have no age for a login that is not in pg_monitor; their locks are for all.
_IN_THE_WAY = """
SELECT l.pid, coalesce(a.application_name, ''), c.name, max(l.mode),
  extract(epoch FROM clock_timestamp() - min(a.xact_start))::int
FROM unnest(%(tables)s::text[]) c (name)
JOIN pg_locks l ON l.locktype = 'relation' AND l.granted AND l.relation = to_regclass(c.name)
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.pid <> pg_backend_pid()
GROUP BY 1, 2, 3
HAVING coalesce(min(a.xact_start) < clock_timestamp() - make_interval(secs => %(seconds)s), true)
ORDER BY 3, 5 DESC NULLS LAST, 1
"""
_LONG_S = 5
"""Seconds: an ordinary transaction is over by then."""


class Plan(NamedTuple):
    """What is ahead of a database."""

    touches: tuple[Touch, ...]
    findings: tuple[Finding, ...]


def preview(servers: Servers, settings: Settings, found: Status) -> Plan:
    """Run what is pending on a shadow, and say what it locks there; sizes are not known yet.

    Args:
        servers: where.
        settings: of the environment; the URL is not used.
        found: what the database has applied.

    Raises:
        MigrationError: when the shadow cannot be made, or a file is not in the format.
    """
    touches: list[Touch] = []
    with expected.stage(servers, settings) as at:
        failing = at.forward(one.row.version for one in found.applied if one.entry)
        for entry in () if failing else found.pending:
            step, _ = reading.upgrade(at.status, entry.version)
            with at.run(step, locks=True) as outcome:
                failed = outcome.failed or at.keep()
                touches += [one.of(step.place) for one in outcome.locks]
            if failed:
                failing = step, failed
                break
    return Plan(tuple(touches), tuple(_fails(found.name, *failing) if failing else ()))


def weighed(connection: Connection, name: str, plan: Plan) -> Plan:
    """Add what a live database says: how large the tables are, and who is in the way now.

    Args:
        connection: in a transaction, which may be read-only.
        name: the environment's.
        plan: what its pending migrations lock.

    Raises:
        psycopg2.Error: when it cannot be asked.
    """
    tables = sorted({one.table for one in plan.touches})
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
    weights = {table: _weight(connection, table) for table in tables}
    touches = tuple(one._replace(weight=weights[one.table]) for one in plan.touches)
    return Plan(touches, (*plan.findings, *_in_the_way(connection, name, tables)))


def _weight(connection: Connection, table: str) -> Weight | None:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, (table,))
        row = cursor.fetchone()
        if row is None:
            return None  # an earlier one of the pending migrations makes it
        rows, pages = row
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            cursor.execute(_SIZE, (table,))
            size = (cursor.fetchone() or (pages,))[0]
        except psycopg2.errors.LockNotAvailable:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            size = pages
    return Weight(size, rows)


def _in_the_way(connection: Connection, name: str, tables: Sequence[str]) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_IN_THE_WAY, {"tables": list(tables), "seconds": _LONG_S})
        rows = cursor.fetchall()
    for pid, application, table, mode, seconds in rows:
        by = f" ({application})" if application else ""
        since = f" for {duration.text(seconds * 1000)}" if seconds else ""
        yield Finding(
            code="live-in-the-way",
            database=name,
            message=f"pid {pid}{by} has had a lock on {table}{since}",
            detail=f"{mode}; a migration that locks the table waits for its transaction, and "
            "others wait behind the migration",
            hint=f"let it end, or end it: SELECT pg_terminate_backend({pid})",
        )


def _fails(name: str, step: Step, failed: Failed) -> Iterator[Finding]:
    yield Finding(
        code="live-not-compared",
        database=name,
        message=f"not planned from {step.filename} on: its UP fails on the shadow: {failed.reason}",
        hint="run python scripts/validate.py --shadow",
    )
