"""The plan of a deployment: what the pending migrations will lock, and how large that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.checks.finding import Finding
from scripts.checks.live import expected
from scripts.checks.shadow.servers import Servers
from scripts.checks.shadow.stage import Failed
from scripts.checks.touch import Touch, Weight
from scripts.engine import reading
from scripts.engine.session import lock_modes
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.sqltext import duration

_SAVEPOINT = "upskill_plan"
# The live partitions count, also those that no migration has made.
_TREES = """
WITH RECURSIVE tree (root, oid) AS (
  SELECT name, to_regclass(name)::oid FROM unnest(%(tables)s::text[]) w (name)
  UNION SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
    JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p')
SELECT t.root, c.oid::bigint, format('%%I.%%I', n.nspname, c.relname),
  CASE WHEN c.relkind = 'p' THEN 0 WHEN c.reltuples >= 0 THEN c.reltuples::bigint END,
  c.relpages::bigint * current_setting('block_size')::bigint,
  EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = c.oid
    AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid())
FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
"""
_SIZE = "SELECT pg_total_relation_size(%s::oid)"
# Others' transactions have no age for a login that is not in pg_monitor; their locks are for all.
# What has no process is a prepared transaction: it has a name instead.
_HOLDERS = """
SELECT c.name, coalesce(l.pid, 0), coalesce(max(a.application_name), max(p.gid), ''),
  array_agg(DISTINCT l.mode),
  extract(epoch FROM clock_timestamp() - coalesce(min(a.xact_start), min(p.prepared)))::int
FROM unnest(%(tables)s::text[]) c (name)
JOIN pg_locks l ON l.locktype = 'relation' AND l.granted AND l.relation = to_regclass(c.name)
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
  AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.pid IS DISTINCT FROM pg_backend_pid()
GROUP BY c.name, l.pid, l.virtualtransaction ORDER BY 1, 5 DESC NULLS LAST, 2
"""
_LONG_S = 5
"""Seconds: an ordinary transaction is over by then."""


class Plan(NamedTuple):
    """What is ahead of a database."""

    touches: tuple[Touch, ...]
    findings: tuple[Finding, ...]


def preview(servers: Servers, settings: Settings, found: Status, notify: Notify) -> Plan:
    """Run what is pending on a shadow, and say what it locks there; sizes are not known yet.

    Args:
        servers: where.
        settings: of the environment; the URL is not used.
        found: what the database has applied.
        notify: is told what has come to a server of somebody's own.

    Raises:
        MigrationError: when the shadow cannot be made, or a file is not in the format.
    """
    touches: list[Touch] = []
    with expected.stage(servers, settings, notify) as at:
        failing = at.forward(one.row.version for one in found.applied if one.entry)
        # What a pending migration renames has its old name in the live database.
        live = at.tables()
        for entry in () if failing else found.pending:
            step, _ = reading.upgrade(at.status, entry.version)
            with at.run(step, watched=True) as outcome:
                failed = outcome.failed or at.keep()
                touches += [
                    one.of(step.place)._replace(live=live.get(one.oid, "")) for one in outcome.locks
                ]
            if failed:
                failing = step, failed
                break
    return Plan(tuple(touches), tuple(_fails(found.name, *failing) if failing else ()))


def weighed(connection: Connection, name: str, plan: Plan) -> Plan:
    """Add what a live database says: how large the tables are, and who is in the way now.

    Args:
        connection: in a transaction, which may be read-only, with a short lock_timeout.
        name: the environment's.
        plan: what its pending migrations lock.

    Raises:
        psycopg2.Error: when it cannot be asked.
    """
    tables = sorted({one.live for one in plan.touches if one.live})
    trees = _trees(connection, tables)
    touches = tuple(_of_tree(one, plan.touches, trees) for one in plan.touches)
    return Plan(touches, (*plan.findings, *_in_the_way(connection, name, plan.touches)))


def _trees(connection: Connection, tables: Sequence[str]) -> dict[str, dict[str, Weight]]:
    """Return how large tables are, each with its partitions, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(_TREES, {"tables": list(tables)})
        rows = cursor.fetchall()
    found: dict[str, dict[str, Weight]] = {}
    for root, oid, name, count, pages, is_locked in rows:
        size = pages if is_locked else _size(connection, oid, pages)
        found.setdefault(root, {})[name] = Weight(size, count)
    return found


def _size(connection: Connection, oid: int, pages: int) -> int:
    """Return the size of a table in bytes; without its indexes, where it is locked meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            cursor.execute(_SIZE, (oid,))
        except psycopg2.errors.LockNotAvailable:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            return pages
        row = cursor.fetchone()
    return int(row[0]) if row and row[0] else pages


def _of_tree(
    one: Touch, touches: Sequence[Touch], trees: Mapping[str, Mapping[str, Weight]]
) -> Touch:
    """Return a touch with the weight of its table; a partitioned table is what its partitions are.

    A statement that rewrites a partition rewrites all: some are on the live database alone.
    """
    tree = trees.get(one.live)
    if tree is None:
        return one  # an earlier one of the pending migrations makes it
    rows = [weight.rows for weight in tree.values()]
    known = sum(count for count in rows if count is not None)
    weight = Weight(sum(each.size for each in tree.values()), None if None in rows else known)
    same = [
        other
        for other in touches
        if (other.path, other.line) == (one.path, one.line) and other.live in tree
    ]
    return one._replace(
        weight=weight,
        rewrites=any(other.rewrites for other in same),
        scans=any(other.scans for other in same),
    )


def _in_the_way(connection: Connection, name: str, touches: Sequence[Touch]) -> Iterator[Finding]:
    wanted: dict[str, set[str]] = {}
    for touch in touches:
        if touch.live:
            wanted.setdefault(touch.live, set()).add(touch.mode)
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, {"tables": sorted(wanted)})
        rows = cursor.fetchall()
    for table, pid, who, modes, seconds in rows:
        held = [
            mode for mode in modes if any(lock_modes.conflict(mode, one) for one in wanted[table])
        ]
        if held and (seconds is None or seconds >= _LONG_S):
            yield _holder(name, table, pid, who, lock_modes.strongest(held), seconds)


def _holder(  # noqa: PLR0913 - each is a fact of its own
    name: str, table: str, pid: int, who: str, mode: str, seconds: int | None
) -> Finding:
    since = f" for {duration.text(seconds * 1000)}" if seconds else ""
    by = f" ({who})" if who else ""
    holder = f"pid {pid}{by}" if pid else f"the prepared transaction {who}"
    end = f"SELECT pg_terminate_backend({pid})" if pid else "COMMIT PREPARED or ROLLBACK PREPARED"
    return Finding(
        code="live-in-the-way",
        database=name,
        message=f"{holder} has had a lock on {table}{since}",
        detail=f"{mode}: a pending migration waits for its end, and others wait behind that",
        hint=f"let it end, or end it: {end}",
    )


def ahead(found: Status) -> Finding:
    """Return why nothing can be planned for a database that a newer release has migrated."""
    names = ", ".join(one.row.filename for one in found.ahead)
    return Finding(
        code="live-not-planned",
        database=found.name,
        message=f"not planned: {names} is applied, and is not in this checkout",
        hint="check out the release that has it",
    )


def _fails(name: str, step: Step, failed: Failed) -> Iterator[Finding]:
    yield Finding(
        code="live-not-planned",
        database=name,
        message=f"not planned from {step.filename} on: its UP fails on the shadow: {failed.reason}",
        hint="run python scripts/validate.py --shadow",
    )
