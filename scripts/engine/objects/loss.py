"""What a rollback destroys: the tables and columns that it drops, with their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine.objects.identity import Named, identities
from scripts.sqltext.drops import Drop

MOST_COUNTED = 100_000
"""Rows: a table with more is not counted, its statistics are given instead."""
_BATCH = 50
"""Tables counted in one query: each holds a lock until its end."""
# A table that somebody has locked is not waited for, and no policy hides rows from a count in
# silence: the statistics do then.
_BOUNDED = (
    "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '3s';"
    " SET LOCAL row_security = off"
)
_SAVEPOINT = "upskill_count"

_CATALOGS = {
    "schema": "pg_namespace",
    "type": "pg_type",
    "extension": "pg_extension",
    "function": "pg_proc",
}

# Objects go with those that they depend on: automatic and internal ones always, others with
# CASCADE. https://www.postgresql.org/docs/current/catalog-pg-depend.html
_GONE = """
WITH RECURSIVE named(step, class, id, sub, deep) AS (
  SELECT step, class::regclass::oid, split_part(identity, '.', 1)::oid,
    coalesce(nullif(split_part(identity, '.', 2), ''), '0')::int, deep
  FROM unnest(%(steps)s::text[], %(classes)s::text[], {identities}, %(deep)s::bool[])
    AS wanted(step, class, identity, deep)
  WHERE identity IS NOT NULL
), gone AS (
  SELECT * FROM named
  UNION
  SELECT gone.step, d.classid, d.objid, d.objsubid, gone.deep
  FROM gone JOIN pg_catalog.pg_depend d ON d.refclassid = gone.class AND d.refobjid = gone.id
    AND (gone.sub = 0 OR d.refobjsubid = gone.sub)
    AND (d.deptype IN ('a', 'i', 'P', 'S', 'e') OR gone.deep)
), whole AS (
  SELECT DISTINCT g.step, c.oid FROM gone g JOIN pg_catalog.pg_class c ON c.oid = g.id
  WHERE g.class = 'pg_class'::regclass AND g.sub = 0 AND c.relkind IN ('r', 'p', 'f', 'm')
), part AS (
  SELECT DISTINCT g.step, g.id AS oid, g.sub FROM gone g
  JOIN pg_catalog.pg_class c ON c.oid = g.id AND c.relkind IN ('r', 'p', 'f')
  WHERE g.class = 'pg_class'::regclass AND g.sub > 0
    AND NOT EXISTS (SELECT FROM whole w WHERE w.step = g.step AND w.oid = g.id)
), listed AS (
  SELECT step, oid, 0 AS sub, '' AS attname FROM whole
  UNION ALL
  SELECT part.step, part.oid, part.sub, a.attname FROM part
  JOIN pg_catalog.pg_attribute a ON a.attrelid = part.oid AND a.attnum = part.sub
)
SELECT l.step, l.oid, l.oid::regclass::text, l.attname, c.relkind,
  CASE WHEN c.relkind <> 'p' THEN nullif(c.reltuples, -1)::bigint ELSE
    (SELECT sum(nullif(p.reltuples, -1)) FROM pg_catalog.pg_partition_tree(l.oid) t
     JOIN pg_catalog.pg_class p ON p.oid = t.relid WHERE t.isleaf)::bigint END
FROM listed l JOIN pg_catalog.pg_class c ON c.oid = l.oid ORDER BY 1, 3, l.sub
"""


class Loss(NamedTuple):
    """A table, or a column, that a rollback drops."""

    kind: str
    """"table", "materialized view" or "column"."""
    name: str
    """As the server writes it: "orders", "app.orders", "orders.note"."""
    rows: int | None
    """Of the table; None if unknown."""
    exact: bool
    """Whether they were counted; otherwise they are from the statistics."""
    more: bool = False
    """Whether there are more than that: counting stopped there."""

    @property
    def shown(self) -> str:
        """Return the loss for people: "table orders (3 rows)"."""
        if self.rows is None:
            amount = "unknown number of rows"
        elif self.more:
            amount = f"more than {self.rows:,} rows"
        elif self.exact:
            amount = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        else:
            amount = f"about {self.rows:,} rows according to the statistics"
        return f"{self.kind} {self.name} ({amount})"


class _Table(NamedTuple):
    """A table that is dropped, or loses a column."""

    name: str
    relkind: str
    estimate: int | None

    @property
    def may_be_counted(self) -> bool:
        """Tell whether a count is quick; the server of a foreign table may not even answer."""
        return self.relkind != "f" and (self.estimate or 0) <= MOST_COUNTED


class _Rows(NamedTuple):
    """How many rows a table has, and how well that is known: see `Loss`."""

    number: int | None
    exact: bool
    more: bool = False


def read(
    connection: Connection, steps: Mapping[str, Sequence[Drop]]
) -> dict[str, tuple[Loss, ...]]:
    """Find out what rollbacks would destroy.

    Args:
        connection: in a transaction; its settings are left as they were.
        steps: what each version's DOWN drops.

    Returns:
        The tables and columns of each version, those that go with others included.

    Raises:
        psycopg2.Error: when the catalogs cannot be read.
    """
    drops = [(version, drop) for version, own in steps.items() for drop in own]
    lost: dict[str, list[Loss]] = {version: [] for version in steps}
    if not drops:
        return dict.fromkeys(steps, ())
    wanted = [Named(drop.object, drop.search_path) for _, drop in drops]
    query = _GONE.format(identities=identities(wanted).as_string(connection).replace("%", "%%"))
    with connection.cursor() as cursor:
        cursor.execute(
            query,
            {
                "steps": [version for version, _ in drops],
                "classes": [_CATALOGS.get(drop.object.kind, "pg_class") for _, drop in drops],
                "deep": [drop.cascade for _, drop in drops],
            },
        )
        found = cursor.fetchall()
    tables = {oid: _Table(name, relkind, rows) for _, oid, name, _, relkind, rows in found}
    counts = _counts(connection, tables)
    for version, oid, name, column, relkind, _ in found:
        rows = counts[oid]
        kind = "column" if column else "materialized view" if relkind == "m" else "table"
        shown = f"{name}.{column}" if column else name
        lost[version].append(Loss(kind, shown, rows.number, rows.exact, rows.more))
    return {version: tuple(own) for version, own in lost.items()}


def _counts(connection: Connection, tables: Mapping[int, _Table]) -> dict[int, _Rows]:
    """Count rows where that is quick; otherwise use the statistics."""
    known = {oid: _Rows(table.estimate, exact=False) for oid, table in tables.items()}
    counted = [oid for oid, table in tables.items() if table.may_be_counted]
    with connection.cursor() as cursor:
        # Afterwards the caller's connection has its settings back, and none of the locks.
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}; {_BOUNDED}")
        for start in range(0, len(counted), _BATCH):
            batch = counted[start : start + _BATCH]
            known.update(_counted(connection, {oid: tables[oid].name for oid in batch}))
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; RELEASE SAVEPOINT {_SAVEPOINT}")
    return known


def _counted(connection: Connection, names: Mapping[int, str]) -> dict[int, _Rows]:
    parts = [_count(oid, name) for oid, name in names.items()]
    with connection.cursor() as cursor:
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}_batch")
        try:
            cursor.execute(SQL(" UNION ALL ").join(parts))
            rows = cursor.fetchall()
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise
            # A locked table, or one that this login may not read: look at each by itself.
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}_batch")
            if len(names) == 1:
                return {}
            found: dict[int, _Rows] = {}
            for oid, name in names.items():
                found |= _counted(connection, {oid: name})
            return found
    return {
        oid: _Rows(min(count, MOST_COUNTED), exact=count <= MOST_COUNTED, more=count > MOST_COUNTED)
        for oid, count in rows
    }


def _count(oid: int, name: str) -> Composable:
    # The server has quoted the name: regclass gives it as SQL takes it.
    return SQL("SELECT {}, count(*) FROM (SELECT FROM {} LIMIT {}) counted").format(
        Literal(oid), SQL(name), Literal(MOST_COUNTED + 1)
    )
