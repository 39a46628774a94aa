"""Files outside a transaction that were started and not completed, according to the event log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Identifier

from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger

# Each statement outside a transaction is noted before it runs. What a success, a rollback or a
# stamp came after is over; of the rest the highest number was reached, and those below it are done.
_OPEN = """
WITH over AS (
  SELECT version, max(id) AS id FROM {log} WHERE event IN ('success', 'rollback') GROUP BY version
), stamped AS (
  SELECT coalesce(max(id), 0) AS id FROM {log} WHERE event = 'stamp'
), open AS (
  SELECT l.id, l.at, l.event, l.version, l.filename, l.checksum, l.direction, l.statement, l.line,
    l.error, l.run, {own},
    bool_or(l.event = 'failure') OVER (PARTITION BY l.version, l.direction, l.run) AS ended
  FROM {log} l LEFT JOIN over o USING (version)
  WHERE l.version IS NOT NULL
    AND l.id > greatest(coalesce(o.id, 0), (SELECT id FROM stamped))
)
SELECT version, direction,
  (array_agg(filename ORDER BY id DESC))[1],
  (array_agg(checksum ORDER BY id DESC))[1],
  least(max(statement) - 1, max(statements)),
  (array_agg(statements ORDER BY id DESC) FILTER (WHERE statements IS NOT NULL))[1],
  max(at) FILTER (WHERE statement IS NOT NULL),
  (array_agg(line ORDER BY id DESC) FILTER (WHERE statement IS NOT NULL))[1],
  (array_agg(event ORDER BY id DESC))[1] = 'failure',
  bool_or(event = 'statement' AND ended IS NOT TRUE),
  (array_agg(split_part(error, E'\\n',
      -- Releases before this one began with a line of their own.
      CASE WHEN error ~ E'^[^\\n]*: PostgreSQL refused a statement\\n' THEN 2 ELSE 1 END)
    ORDER BY id DESC)
    FILTER (WHERE event = 'failure'))[1],
  (array_agg(rollback_sql ORDER BY id DESC) FILTER (WHERE rollback_sql IS NOT NULL))[1],
  (array_agg(existing ORDER BY id) FILTER (WHERE existing IS NOT NULL))[1]
FROM open GROUP BY version, direction HAVING bool_or(event = 'statement') ORDER BY 1
"""
_SAVEPOINT = "upskill_log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A file of which some statements took effect, and not all."""

    version: str
    direction: str
    filename: str
    checksum: str | None
    done: int
    """How many of its statements took effect, at least."""
    statements: int | None
    """How many it has; None where an older release wrote the log."""
    at: datetime
    line: int | None
    failed: bool
    """Whether the last run recorded why it ended; otherwise it was killed, or is still running."""
    unsure: bool
    """Whether a run of it was killed, so that its last statement may have taken effect."""
    reason: str | None
    rollback_sql: str | None
    """What undoes it: as the ledger would keep it."""
    existing: Mapping[str, str | None]
    """Identities ahead of the first run, by what people call the objects."""

    @property
    def ending(self) -> str:
        """Say when and why it stopped."""
        when = f"{self.at.astimezone():%Y-%m-%d %H:%M:%S %z}"
        place = f", line {self.line}" if self.line else ""
        if not self.failed:
            return f"started {when}{place}, end not recorded: it was killed, or is still running"
        return f"failed {when}{place}, {self.reason or 'no reason was recorded'}"

    @property
    def progress(self) -> str:
        """Return how far it got: "1/2"."""
        return f"{self.done}/{self.statements or '?'}"


def read(connection: Connection, ledger: Ledger) -> tuple[Partial, ...] | None:
    """Read which files are half applied, or half rolled back.

    A file whose first statement failed has left nothing, and is not included.

    Returns:
        None where there is no event log that could tell.

    Raises:
        psycopg2.Error: when the connection is lost.
    """
    columns = event_table.columns(connection, ledger)
    if not columns:
        return None
    own = SQL(", ").join(
        SQL("l.{}").format(Identifier(name))
        if name in columns
        else SQL("NULL::{} AS {}").format(SQL(kind), Identifier(name))
        for name, kind in event_table.ADDED.items()
    )
    query = SQL(_OPEN).format(log=event_table.name(ledger), own=own)
    with connection.cursor() as cursor:
        # A log of another shape, or one that this login may not read, stops nothing.
        try:
            cursor.execute(SQL(f"SAVEPOINT {_SAVEPOINT}; ") + query)
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            return None
        found = [_partial(row) for row in cursor]
    return tuple(one for one in found if one.done or one.unsure)


def _partial(row: tuple[Any, ...]) -> Partial:
    return Partial(
        version=row[0],
        direction=row[1],
        filename=row[2],
        checksum=row[3],
        done=row[4],
        statements=row[5],
        at=row[6],
        line=row[7],
        failed=row[8],
        unsure=row[9],
        reason=row[10] or None,
        rollback_sql=row[11],
        existing=row[12] or {},
    )
