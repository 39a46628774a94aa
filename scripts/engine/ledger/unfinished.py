"""Which files outside a transaction were started and not completed, by the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Identifier

from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger

if TYPE_CHECKING:
    from scripts.engine.ledger.partial import Partial

# Each statement outside a transaction is noted before it runs. What a success, a rollback, a repair
# of a half-applied file or a stamp came after is over; of the rest the highest number was reached,
# and those below it are done.
_OPEN = """
WITH over AS (
  SELECT version, max(id) AS id FROM {log}
  WHERE event IN ('success', 'rollback') OR event = 'repair' AND direction IS NOT NULL
  GROUP BY version
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
        rows = cursor.fetchall()
    if not rows:
        return ()
    from scripts.engine.ledger import partial

    found = [partial.of(row) for row in rows]
    return tuple(one for one in found if one.done or one.unsure)
