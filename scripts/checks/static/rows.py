"""Statements that return rows, which nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scripts.checks.finding import Finding
from scripts.checks.tree.effect import strings
from scripts.checks.tree.source import Parsed, Source

_ONE_ROW = {
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "json_agg",
    "jsonb_agg",
    "max",
    "min",
    "string_agg",
    "sum",
}
"""The common aggregates: without GROUP BY they return one row."""
_CHANGES = ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")


def check(source: Source) -> Iterator[Finding]:
    """Find statements that return the rows of a table, in either section."""
    for parsed in source.statements:
        what = _returns(parsed)
        if what:
            yield source.finding(
                "unread-rows",
                f"{what} returns rows, which are held in memory and thrown away",
                line=parsed.statement.line,
                hint="count them (SELECT count(*) FROM …), or use PERFORM in a DO block"
                if what == "SELECT"
                else "leave RETURNING out",
            )


def _returns(parsed: Parsed) -> str:
    """Return the command whose rows nobody reads; "" where there are none, or a single one."""
    if parsed.tree is None:
        return ""
    if parsed.kind == "select_stmt":
        return "SELECT" if _reads_a_table(parsed.tree.select_stmt) else ""
    if parsed.kind in _CHANGES:
        return "RETURNING" if getattr(parsed.tree, parsed.kind).HasField("returning_clause") else ""
    return ""


def _reads_a_table(select: Any) -> bool:
    if select.HasField("into_clause") or select.HasField("limit_count"):
        return False
    if select.HasField("larg"):
        return _reads_a_table(select.larg) or _reads_a_table(select.rarg)
    if not select.group_clause and any(_is_one_row(one) for one in select.target_list):
        return False
    return _has_table(select.from_clause)


def _is_one_row(target: Any) -> bool:
    value = target.res_target.val
    if value.WhichOneof("node") != "func_call" or value.func_call.HasField("over"):
        return False
    return strings(value.func_call.funcname)[-1] in _ONE_ROW


def _has_table(clause: Iterable[Any]) -> bool:
    for node in clause:
        match node.WhichOneof("node"):
            case "range_var":
                return True
            case "join_expr":
                return _has_table((node.join_expr.larg, node.join_expr.rarg))
            case "range_subselect" if _reads_a_table(node.range_subselect.subquery.select_stmt):
                return True
            case _:
                continue
    return False
