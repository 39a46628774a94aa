"""What the ledger stores for the rollbacks of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scripts.engine.ledger import stored
from scripts.engine.ledger.table import Ledger
from scripts.engine.session.run_connection import RunConnection


@dataclass(frozen=True, slots=True)
class StoredRollbacks:
    """Reads from a run's ledger; see `plan.Stored`."""

    connection: RunConnection
    ledger: Ledger

    def texts(self, versions: Sequence[str]) -> Mapping[str, str | None]:
        """Return the SQL; see `stored.rollback_sql`."""
        with self.connection.transaction():
            return stored.rollback_sql(self.connection.raw, self.ledger, versions)

    def fingerprints(self, versions: Sequence[str]) -> Mapping[str, str]:
        """Return what tells whether it is the SQL that was shown; see `stored.fingerprints`."""
        with self.connection.transaction():
            return stored.fingerprints(self.connection.raw, self.ledger, versions)
