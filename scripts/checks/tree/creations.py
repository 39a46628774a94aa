"""What the commands that begin with CREATE create."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from scripts.checks.tree.effect import Effect, Verb, joined, kind_of, relation, strings


def _made(kind: str, name: str, repeatable: bool, how: str = "IF NOT EXISTS") -> Effect:
    return Effect(verb=Verb.CREATE, kind=kind, name=name, repeatable=repeatable, how=how)


def _table(node: pg.CreateStmt) -> Iterator[Effect]:
    yield _made("table", relation(node.relation), node.if_not_exists)


def _table_as(node: pg.CreateTableAsStmt) -> Iterator[Effect]:
    kind = "materialized view" if node.objtype == pg.OBJECT_MATVIEW else "table"
    yield _made(kind, relation(node.into.rel), node.if_not_exists)


def _foreign_table(node: pg.CreateForeignTableStmt) -> Iterator[Effect]:
    base = node.base_stmt
    yield _made("foreign table", relation(base.relation), base.if_not_exists)


def _index(node: pg.IndexStmt) -> Iterator[Effect]:
    name = joined([node.relation.schemaname, node.idxname] if node.idxname else [""])
    yield Effect(
        verb=Verb.CREATE,
        kind="index",
        name=name.removeprefix("public.").removeprefix("."),
        of=relation(node.relation),
        repeatable=node.if_not_exists,
        how="IF NOT EXISTS" if node.idxname else "a name and IF NOT EXISTS",
    )


def _schema(node: pg.CreateSchemaStmt) -> Iterator[Effect]:
    yield _made("schema", node.schemaname or node.authrole.rolename, node.if_not_exists)


def _sequence(node: pg.CreateSeqStmt) -> Iterator[Effect]:
    yield _made("sequence", relation(node.sequence), node.if_not_exists)


def _extension(node: pg.CreateExtensionStmt) -> Iterator[Effect]:
    yield _made("extension", node.extname, node.if_not_exists)


def _view(node: pg.ViewStmt) -> Iterator[Effect]:
    yield _made("view", relation(node.view), node.replace, "OR REPLACE")


def _function(node: pg.CreateFunctionStmt) -> Iterator[Effect]:
    kind = "procedure" if node.is_procedure else "function"
    yield _made(kind, joined(strings(node.funcname)), node.replace, "OR REPLACE")


def _on(kind: str, name: str, table: pg.RangeVar, repeatable: bool, how: str) -> Effect:
    return Effect(
        verb=Verb.CREATE,
        kind=kind,
        name=name,
        of=relation(table),
        repeatable=repeatable,
        how=how,
    )


def _before(kind: str) -> str:
    return f"a DROP {kind.upper()} IF EXISTS before it"


def _trigger(node: pg.CreateTrigStmt) -> Iterator[Effect]:
    how = _before("trigger") if node.isconstraint else "OR REPLACE (PostgreSQL 14 or newer)"
    yield _on("trigger", node.trigname, node.relation, node.replace, how)


def _policy(node: pg.CreatePolicyStmt) -> Iterator[Effect]:
    yield _on("policy", node.policy_name, node.table, repeatable=False, how=_before("policy"))


def _rule(node: pg.RuleStmt) -> Iterator[Effect]:
    yield _on("rule", node.rulename, node.relation, node.replace, "OR REPLACE")


def _type(node: pg.CreateEnumStmt | pg.CreateRangeStmt) -> Iterator[Effect]:
    yield _made("type", joined(strings(node.type_name)), repeatable=False, how=_before("type"))


def _domain(node: pg.CreateDomainStmt) -> Iterator[Effect]:
    yield _made("domain", joined(strings(node.domainname)), repeatable=False, how=_before("domain"))


def _composite(node: pg.CompositeTypeStmt) -> Iterator[Effect]:
    yield _made("type", relation(node.typevar), repeatable=False, how=_before("type"))


def _defined(node: pg.DefineStmt) -> Iterator[Effect]:
    kind = kind_of(node.kind)
    yield _made(
        kind, joined(strings(node.defnames)), node.replace or node.if_not_exists, _before(kind)
    )


def _named(kind: str, attribute: str) -> Callable[[Any], Iterator[Effect]]:
    def read(node: Any) -> Iterator[Effect]:
        name = str(getattr(node, attribute))
        yield _made(kind, name, getattr(node, "if_not_exists", False), _before(kind))

    return read


def _statistics(node: pg.CreateStatsStmt) -> Iterator[Effect]:
    yield _made("statistics", joined(strings(node.defnames)), node.if_not_exists)


READERS: dict[str, Callable[..., Iterator[Effect]]] = {
    "create_stmt": _table,
    "create_table_as_stmt": _table_as,
    "create_foreign_table_stmt": _foreign_table,
    "index_stmt": _index,
    "create_schema_stmt": _schema,
    "create_seq_stmt": _sequence,
    "create_extension_stmt": _extension,
    "view_stmt": _view,
    "create_function_stmt": _function,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _policy,
    "rule_stmt": _rule,
    "create_enum_stmt": _type,
    "create_range_stmt": _type,
    "create_domain_stmt": _domain,
    "composite_type_stmt": _composite,
    "define_stmt": _defined,
    "create_stats_stmt": _statistics,
    "create_role_stmt": _named("role", "role"),
    "create_publication_stmt": _named("publication", "pubname"),
    "create_event_trig_stmt": _named("event trigger", "trigname"),
    "create_foreign_server_stmt": _named("server", "servername"),
}
