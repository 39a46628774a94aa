"""Takes a snapshot of a database that others use, without waiting for what they have locked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import queries, snapshot
from scripts.catalog.record import Key, Record
from scripts.catalog.snapshot import Snapshot

PATIENCE_MS = 200
"""How long to wait for a lock. What writes definitions out opens the relations that are in them."""
_SAVEPOINT = "upskill_catalog"
_TRIES = 5
# What was there when a query began: "could not open relation", "… does not exist", "cache lookup".
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = ("XX000", "42P01", "42704", "42883", "3F000")
# An index is its table's. Behind one that waits for its lock, all others wait as well. What has no
# process is a prepared transaction. What another session has just made is in nobody's snapshot.
_LOCKED = """
SELECT DISTINCT t.oid::bigint, CASE t.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'S' THEN 'sequence' ELSE 'table' END, format('%I.%I', n.nspname, t.relname),
  coalesce(l.pid, 0), coalesce(a.application_name, '')
FROM pg_locks l
LEFT JOIN pg_index i ON i.indexrelid = l.relation
JOIN pg_class t ON t.oid = coalesce(i.indrelid, l.relation)
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname !~ '^pg_'
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.pid IS DISTINCT FROM pg_backend_pid() AND t.oid >= 16384
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 3, 4
"""
_READING_THEM = """
WITH RECURSIVE found (oid) AS (
  SELECT unnest(%s::oid[])
  UNION SELECT coalesce(r.ev_class, p.polrelid) FROM found f
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.oid
  LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
  WHERE r.oid IS NOT NULL OR p.oid IS NOT NULL)
SELECT oid::bigint, oid::regclass::text FROM found
"""


class Locked(NamedTuple):
    """A relation that another session has locked, or waits to lock."""

    kind: str
    name: str
    pid: int
    """0 for a prepared transaction, which has no session."""
    application: str
    """What the session calls itself; "" where that is not known."""


class Look(NamedTuple):
    """A snapshot, and what is not in it."""

    snapshot: Snapshot
    locked: tuple[Locked, ...] = ()
    relations: frozenset[str] = frozenset()
    """The names of what was left out with its parts: the locked, and what reads them."""
    classes: tuple[str, ...] = ()
    """The queries that could not be run at all."""
    moving: frozenset[Key] = frozenset()
    """What was not the same a moment ago."""


def take(connection: Connection) -> Look:
    """Take a snapshot; leave out what waits for longer than `PATIENCE_MS`.

    Args:
        connection: in a transaction, which may be read-only. It holds locks of a SELECT on what
            was written out, until it ends.

    Raises:
        psycopg2.Error: when the catalog cannot be read.
    """
    with snapshot.reading(connection):
        _run(connection, f"SET LOCAL lock_timeout = {PATIENCE_MS}")
        found = _read(connection, queries.statements())
        return Look(found) if found else _around(connection)


def _around(connection: Connection) -> Look:
    """Take a snapshot of all that is not locked, class by class."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED)
        rows = cursor.fetchall()
        locked = [Locked(*row[1:]) for row in rows]
        cursor.execute(_READING_THEM, ([row[0] for row in rows],))
        left_out = dict(cursor.fetchall())
    records: dict[Key, Record] = {}
    unread = []
    for name, text in queries.apart_from(left_out).items():
        found = _read(connection, {name: text})
        if found is None:
            unread.append(name)
        else:
            records.update(found.records)
    whole = Snapshot(records, connection.server_version)
    return Look(whole, tuple(locked), frozenset(left_out.values()), tuple(unread))


def _read(connection: Connection, texts: Mapping[str, str]) -> Snapshot | None:
    """Read what queries give; None where it is locked, or others drop it again and again.

    A query sees one state of the catalogs, what writes a definition out sees the newest one.
    """
    for _ in range(_TRIES):
        _run(connection, f"SAVEPOINT {_SAVEPOINT}")
        try:
            return snapshot.read(connection, lambda _: True, texts)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone
            _run(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            if isinstance(error, psycopg2.errors.LockNotAvailable):
                return None
            if error.pgcode not in _GONE:
                raise
    return None


def _run(connection: Connection, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def settled(before: Look, after: Look) -> Look:
    """Return the later of two looks, without what others were changing in between.

    What writes a definition out looks at the newest state of the catalogs, so that one look may
    have an object half as it was.
    """
    was, now = before.snapshot.records, after.snapshot.records
    left_out = before.relations ^ after.relations
    return after._replace(
        locked=tuple(dict.fromkeys((*before.locked, *after.locked))),
        relations=before.relations | after.relations,
        classes=tuple(dict.fromkeys((*before.classes, *after.classes))),
        moving=frozenset(
            key
            for key in was.keys() | now.keys()
            if was.get(key) != now.get(key)
            and not any((was.get(key) or now[key])[at] in left_out for at in (1, 2))
        ),
    )
