"""Whether a transaction has written to the catalogs at all: if not, they need not be read again."""

from __future__ import annotations

from scripts.engine.session.run_connection import RunConnection

# Rows that were inserted, updated and deleted in this transaction, those of undone subtransactions
# included. Only VACUUM, ANALYZE and index builds change rows uncounted, and no definition.
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
_WRITTEN = (
    "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_xact_sys_tables"
    " WHERE current_setting('track_counts')::boolean"
)


class CatalogWrites:
    """Counts what a transaction writes to the catalogs."""

    def __init__(self, connection: RunConnection) -> None:
        """Watch the transactions of a connection, once told to."""
        self._connection = connection
        self._is_on = False
        self._before: int | None = None

    def turn(self, *, on: bool) -> None:
        """Begin anew, knowing nothing: one that is not seen from its beginning may have written."""
        self._is_on, self._before = on, None

    def begin(self) -> None:
        """Count what earlier transactions have left in the counters."""
        if self._is_on:
            self._before = self._count()

    def are_none(self) -> bool:
        """Tell whether the open transaction has surely written nothing since it was begun."""
        return self._before is not None and self._count() == self._before

    def _count(self) -> int | None:
        row = self._connection.execute(_WRITTEN)
        return row[0] if row else None
