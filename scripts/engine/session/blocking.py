"""Which sessions block a backend: those whose locks conflict with the one that it wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scripts.engine import disclosure
from scripts.engine.session import lock_modes
from scripts.sqltext import duration

# The activity of other sessions is read once per transaction unless it is asked for anew:
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS. A prepared
# transaction holds locks without a session; pg_blocking_pids gives 0 for it, and the lock on its
# own number ties the others to its name.
QUERY = """
WITH fresh AS MATERIALIZED (SELECT pg_stat_clear_snapshot()),
wanted AS MATERIALIZED (SELECT * FROM pg_locks WHERE pid = %(pid)s AND NOT granted),
blocking AS MATERIALIZED (
  SELECT DISTINCT unnest(pg_blocking_pids(%(pid)s)) AS pid FROM fresh
)
SELECT w.mode, w.locktype, w.relation::regclass::text, b.pid, a.usename, a.application_name,
  a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::float, a.query,
  array_agg(DISTINCT l.mode) FILTER (WHERE l.granted),
  array_agg(DISTINCT l.mode) FILTER (WHERE NOT l.granted),
  string_agg(DISTINCT p.gid, ', '),
  octet_length(a.query) > pg_size_bytes(current_setting('track_activity_query_size')) - 5
FROM blocking b
CROSS JOIN wanted w
LEFT JOIN pg_locks l ON coalesce(l.pid, 0) = b.pid
  AND (l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid,
    l.classid, l.objid, l.objsubid)
    IS NOT DISTINCT FROM (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid,
    w.transactionid, w.classid, w.objid, w.objsubid)
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
  AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 4
"""


class Blocker(NamedTuple):
    """A blocking session; None stands for what its user hides from ours."""

    pid: int
    user: str | None
    application: str | None
    state: str | None
    age_s: float | None
    """How long its transaction has been open, in seconds."""
    query: str | None
    cut: bool
    """Whether the server may have cut the query: it keeps `track_activity_query_size` bytes."""
    modes: tuple[str, ...]
    """The conflicting modes that it holds, or waits for ahead of us."""
    holds: bool
    prepared: str | None

    def __str__(self) -> str:
        """Return it in one line."""
        verb = "holds" if self.holds else "is ahead in the queue for"
        lock = f"{verb} {', '.join(lock_modes.words(mode) for mode in self.modes) or 'a lock'}"
        if self.prepared:
            return f"the prepared transaction {self.prepared}, {lock}"
        age = "?" if self.age_s is None else duration.text(round(self.age_s * 1000))
        return (
            f"pid {self.pid}, user {self.user or '?'}, "
            f"application {disclosure.of_text(self.application or '?')}, "
            f"{self.state or 'state hidden'}, transaction open for {age}, {lock}"
            f": {disclosure.of_query(self.query or '?', cut=self.cut)}{self._advice}"
        )

    @property
    def fields(self) -> dict[str, Any]:
        """Return it for programs, without what may be secret in its query."""
        return {
            "pid": self.pid,
            "user": self.user,
            "application": self.application and disclosure.of_text(self.application),
            "state": self.state,
            "open_s": None if self.age_s is None else round(self.age_s, 1),
            "locks": [lock_modes.words(mode) for mode in self.modes],
            "holds": self.holds,
            "prepared": self.prepared,
            "query": self.query and disclosure.of_query(self.query, cut=self.cut),
        }

    @property
    def _advice(self) -> str:
        """Say that ending this one does not help.

        https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
        """
        begun_again = (self.query or "").endswith("(to prevent wraparound)")
        return " - wait for it: if it is ended, it begins again" if begun_again else ""


class Sample(NamedTuple):
    """What one look saw."""

    wants: str
    blockers: tuple[Blocker, ...]


def sample_of(rows: Sequence[tuple[Any, ...]]) -> Sample | None:
    """Interpret the query's rows; None if nobody is blocking."""
    blockers = tuple(_blocker(row) for row in rows)
    if not blockers:
        return None
    mode, kind, relation = rows[0][:3]
    thing = (
        f"{lock_modes.words(mode)} on {relation}"
        if relation
        else f"another {_THINGS.get(kind, kind)}"
    )
    return Sample(thing, blockers)


_THINGS = {"transactionid": "transaction to end", "virtualxid": "transaction to end"}


def _blocker(row: tuple[Any, ...]) -> Blocker:
    wanted, kind = row[:2]
    held, waiting = (_conflicting(wanted, kind, modes or []) for modes in row[9:11])
    return Blocker(
        pid=row[3],
        user=row[4],
        application=row[5],
        state=row[6],
        age_s=row[7],
        query=row[8],
        modes=held or waiting,
        holds=bool(held) or not waiting,
        prepared=row[11],
        cut=bool(row[12]),
    )


def _conflicting(wanted: str, kind: str, modes: Sequence[str]) -> tuple[str, ...]:
    if kind not in ("relation", "extend", "object", "advisory"):
        return tuple(modes)
    # Nobody waits for the SIReadLock of a serializable transaction, which is none of the modes.
    return tuple(mode for mode in modes if lock_modes.conflict(wanted, mode))
