"""Locks of statements outside a transaction: which can be tried in one, and what others take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import postgast
from postgast import pg_query_pb2 as pg
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import Identifier

from scripts.checks.tree.effect import strings
from scripts.sqltext import identifiers
from scripts.sqltext.statements import Statement

_WEAK, _SHARE, _FULL = "ShareUpdateExclusiveLock", "ShareLock", "AccessExclusiveLock"
_TRIED = (
    "ALTER",
    "ANALYZE",
    "CLUSTER",
    "COMMENT",
    "CREATE",
    "DO",
    "DROP",
    "GRANT",
    "REFRESH",
    "REINDEX",
    "REVOKE",
    "TRUNCATE",
    "VACUUM",
)
"""What may lock a table for others; of the rest, much lasts beyond a ROLLBACK."""
_LASTING = re.compile(
    r"nextval|setval|advisory|dblink|\bprepare\b|\bdeallocate\b|\bclose\b|\bperform\b|\bcall\b",
    re.IGNORECASE,
)
"""What a ROLLBACK does not undo, or nobody knows whether it does."""
_NAMED = (
    "c.oid = coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid"
    " = to_regclass(%(name)s)), to_regclass(%(name)s))"
)
_OF_SCHEMA = "c.relnamespace = to_regnamespace(%(name)s)"
_CLUSTERED = "EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered)"
_ALL = "true"


class Locking(NamedTuple):
    """A lock that a statement takes, as the manual's page of its command says."""

    mode: str
    which: str
    """Which tables, as a condition for `pg_class c`."""
    name: tuple[str, ...] = ()
    """Of a table, an index or a schema, in its parts."""
    rewrites: bool = False


def can_be_tried(statement: Statement) -> bool:
    """Tell whether a statement leaves nothing when the transaction that it is in is undone."""
    return statement.command in _TRIED and not _LASTING.search(statement.sql)


def of(statement: Statement) -> list[Locking]:
    """Return the locks that the manual names for a statement; none for one it does not have."""
    node = postgast.parse(statement.sql).stmts[0].stmt
    kind = node.WhichOneof("node") or ""
    return list(_LOCKING[kind](getattr(node, kind))) if kind in _LOCKING else []


def tables(connection: Connection, locking: Locking) -> list[int]:
    """Return the oids of the tables that a lock is on; an index stands for its table."""
    name = Identifier(*locking.name).as_string(connection) if locking.name else ""
    with connection.cursor() as cursor:
        query = f"SELECT c.oid::bigint FROM pg_class c WHERE {locking.which}"  # noqa: S608 - ours
        cursor.execute(query, {"name": name})
        return [oid for (oid,) in cursor]


def _index(node: pg.IndexStmt) -> Iterator[Locking]:
    yield Locking(_WEAK, _NAMED, _parts(node.relation))


def _drop(node: pg.DropStmt) -> Iterator[Locking]:
    for one in node.objects:
        yield Locking(_WEAK, _NAMED, tuple(strings(one.list.items)))


def _reindex(node: pg.ReindexStmt) -> Iterator[Locking]:
    mode = _WEAK if _is_on(node.params, "concurrently") else _SHARE
    if node.kind == pg.REINDEX_OBJECT_SCHEMA:
        yield Locking(mode, _OF_SCHEMA, (node.name,))
    elif node.HasField("relation"):
        yield Locking(mode, _NAMED, _parts(node.relation))
    else:
        yield Locking(mode, _ALL)


def _vacuum(node: pg.VacuumStmt) -> Iterator[Locking]:
    full = _is_on(node.options, "full")
    mode = _FULL if full else _WEAK
    for one in node.rels:
        yield Locking(mode, _NAMED, _parts(one.vacuum_relation.relation), full)
    if not node.rels:
        yield Locking(mode, _ALL, rewrites=full)


def _cluster(node: pg.ClusterStmt) -> Iterator[Locking]:
    if node.HasField("relation"):
        yield Locking(_FULL, _NAMED, _parts(node.relation), rewrites=True)
    else:
        yield Locking(_FULL, _CLUSTERED, rewrites=True)


def _detach(node: pg.AlterTableStmt) -> Iterator[Locking]:
    for one in node.cmds:
        if one.alter_table_cmd.subtype == pg.AT_DetachPartition:
            yield Locking(_WEAK, _NAMED, _parts(node.relation))
            partition = getattr(one.alter_table_cmd, "def").partition_cmd.name
            # Only for a moment, once nobody uses it through its parent any more.
            yield Locking(_FULL, _NAMED, _parts(partition))


def _is_on(options: Iterable[pg.Node], name: str) -> bool:
    """Tell whether an option is given, and not as off; the last one counts."""
    found = [one.def_elem for one in options if one.def_elem.defname == name]
    if not found:
        return False
    value = found[-1].arg
    match value.WhichOneof("node"):
        case "string":
            return identifiers.is_on(value.string.sval)
        case "integer":
            return bool(value.integer.ival)
        case "boolean":
            return bool(value.boolean.boolval)
        case _:
            return True


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
