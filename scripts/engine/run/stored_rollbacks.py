"""What the ledger stores for the rollbacks of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scripts.engine.ledger import stored
from scripts.engine.ledger.table import Ledger
from scripts.engine.session.run_connection import RunConnection


class StoredRollbacks:
    """Reads from a run's ledger; see `plan.Stored`."""

    def __init__(self, connection: RunConnection, ledger: Ledger) -> None:
        """Read a ledger on the run's connection."""
        self._connection = connection
        self._ledger = ledger

    def texts(self, versions: Sequence[str]) -> Mapping[str, str | None]:
        """Return the SQL; see `stored.rollback_sql`."""
        with self._connection.transaction():
            return stored.rollback_sql(self._connection.raw, self._ledger, versions)

    def fingerprints(self, versions: Sequence[str]) -> Mapping[str, str]:
        """Return what tells whether it is the SQL that was shown; see `stored.fingerprints`."""
        with self._connection.transaction():
            return stored.fingerprints(self._connection.raw, self._ledger, versions)
