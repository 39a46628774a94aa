"""How far the server is with a statement that says so: index builds, VACUUM, CLUSTER, COPY."""

from __future__ import annotations

from scripts.engine.reported import Running
from scripts.engine.session.lock import Lock

# https://www.postgresql.org/docs/current/progress-reporting.html; a COPY knows no total. Within a
# transaction, which the lock's connection is in, it is read once unless that is cleared.
_QUERY = """
SELECT pg_stat_clear_snapshot();
SELECT phase, done, total FROM (
  SELECT pid, phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
    CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END AS total
  FROM pg_stat_progress_create_index
  UNION ALL SELECT pid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_vacuum
  UNION ALL SELECT pid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_cluster
  UNION ALL SELECT pid, phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze
  UNION ALL SELECT pid, command || ', ' || tuples_processed || ' rows', bytes_processed, bytes_total
  FROM pg_stat_progress_copy
) all_of_them WHERE pid = %(pid)s LIMIT 1
"""


def look(lock: Lock, pid: int, seconds: float) -> Running:
    """Look how far a backend is.

    Args:
        lock: its connection is asked.
        pid: the backend's number.
        seconds: since its statement began.
    """
    for phase, done, total in lock.query(_QUERY, {"pid": pid}):
        return Running(seconds, phase, min(100.0, 100 * done / total) if total else None)
    return Running(seconds)
