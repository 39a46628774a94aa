"""What locks a statement takes that no transaction block may have, so that nobody can look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import postgast
from postgast import pg_query_pb2 as pg
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import Identifier

from scripts.checks.tree.effect import strings
from scripts.sqltext.statements import Statement

_WEAK, _SHARE, _FULL = "ShareUpdateExclusiveLock", "ShareLock", "AccessExclusiveLock"
_TABLE = """
SELECT coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = n.oid), n.oid)::bigint
FROM (SELECT to_regclass(%s)::oid) n (oid)
"""


class Locking(NamedTuple):
    """A lock that a statement takes, as the manual's page of its command says."""

    mode: str
    name: tuple[str, ...] = ()
    """Of a table or an index, in its parts; empty where it is all that the statement covers."""
    rewrites: bool = False


def of(statement: Statement) -> list[Locking]:
    """Return the locks that the manual names for a statement; none for one it does not have."""
    node = postgast.parse(statement.sql).stmts[0].stmt
    kind = node.WhichOneof("node") or ""
    return list(_LOCKING[kind](getattr(node, kind))) if kind in _LOCKING else []


def table(connection: Connection, name: Sequence[str]) -> int | None:
    """Return the oid of a table, or of the table of an index; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLE, (Identifier(*name).as_string(connection),))
        row = cursor.fetchone()
    return row[0] if row else None


def _index(node: pg.IndexStmt) -> Iterator[Locking]:
    yield Locking(_WEAK, _parts(node.relation))


def _drop(node: pg.DropStmt) -> Iterator[Locking]:
    for one in node.objects:
        yield Locking(_WEAK, tuple(strings(one.list.items)))


def _reindex(node: pg.ReindexStmt) -> Iterator[Locking]:
    concurrently = any(one.def_elem.defname == "concurrently" for one in node.params)
    yield Locking(_WEAK if concurrently else _SHARE, _parts(node.relation))


def _vacuum(node: pg.VacuumStmt) -> Iterator[Locking]:
    full = any(one.def_elem.defname == "full" for one in node.options)
    names = [_parts(one.vacuum_relation.relation) for one in node.rels] or [()]
    for name in names:
        yield Locking(_FULL if full else _WEAK, name, full)


def _cluster(_: pg.ClusterStmt) -> Iterator[Locking]:
    yield Locking(_FULL, rewrites=True)


def _detach(node: pg.AlterTableStmt) -> Iterator[Locking]:
    yield Locking(_WEAK, _parts(node.relation))
    for one in node.cmds:
        partition = getattr(one.alter_table_cmd, "def").partition_cmd.name
        # Only for a moment, once nobody uses it through its parent any more.
        yield Locking(_FULL, _parts(partition))


def _parts(relation: pg.RangeVar) -> tuple[str, ...]:
    return tuple(part for part in (relation.schemaname, relation.relname) if part)


_LOCKING: dict[str, Callable[[Any], Iterator[Locking]]] = {
    "index_stmt": _index,
    "drop_stmt": _drop,
    "reindex_stmt": _reindex,
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "alter_table_stmt": _detach,
}
