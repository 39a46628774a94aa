"""Statements that return rows, which nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scripts.checks.finding import Finding
from scripts.checks.tree.effect import strings
from scripts.checks.tree.source import Parsed, Source

_ONE_ROW = frozenset(
    [
        "array_agg",
        "avg",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bool_and",
        "bool_or",
        "corr",
        "count",
        "every",
        "json_agg",
        "json_arrayagg",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_object_agg",
        "max",
        "min",
        "mode",
        "percentile_cont",
        "percentile_disc",
        "range_agg",
        "stddev",
        "string_agg",
        "sum",
        "variance",
        "xmlagg",
    ]
)
"""The common aggregates: without GROUP BY they return one row."""
_CHANGES = ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")
_MANY = 1000
"""Rows of a LIMIT from which on there are many."""


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
    if parsed.kind not in _CHANGES:
        return ""
    change = getattr(parsed.tree, parsed.kind)
    is_written_out = parsed.kind == "insert_stmt" and change.select_stmt.select_stmt.values_lists
    return "RETURNING" if change.HasField("returning_clause") and not is_written_out else ""


def _reads_a_table(select: Any, small: frozenset[str] = frozenset()) -> bool:
    """Tell whether a query returns rows of a table.

    Args:
        select: the query.
        small: the names of common table expressions around it that do not.
    """
    if select.HasField("into_clause") or _is_limited(select):
        return False
    expressions = [one.common_table_expr for one in select.with_clause.ctes]
    small |= {
        one.ctename for one in expressions if not _reads_a_table(one.ctequery.select_stmt, small)
    }
    if select.HasField("larg"):
        return _reads_a_table(select.larg, small) or _reads_a_table(select.rarg, small)
    if not select.group_clause and any(_aggregates(one) for one in select.target_list):
        return False
    return _has_table(select.from_clause, small)


def _is_limited(select: Any) -> bool:
    """Tell whether a LIMIT keeps the rows few; LIMIT ALL does not."""
    if not select.HasField("limit_count"):
        return False
    count = select.limit_count.a_const
    return not count.isnull and count.ival.ival <= _MANY


def _aggregates(message: Any) -> bool:
    """Tell whether an expression has an aggregate in it, and not only in a query of its own."""
    kind = message.DESCRIPTOR.name
    if kind == "SubLink":
        return False
    if kind == "FuncCall" and not message.HasField("over"):
        names = strings(message.funcname)
        if names and names[-1] in _ONE_ROW:
            return True
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        values = [value] if hasattr(value, "DESCRIPTOR") else value
        if any(_aggregates(one) for one in values):
            return True
    return False


def _has_table(clause: Iterable[Any], small: frozenset[str]) -> bool:
    for node in clause:
        match node.WhichOneof("node"):
            case "range_var" if node.range_var.schemaname or node.range_var.relname not in small:
                return True
            case "range_table_sample":
                return True
            case "join_expr" if _has_table((node.join_expr.larg, node.join_expr.rarg), small):
                return True
            case "range_subselect" if _reads_a_table(
                node.range_subselect.subquery.select_stmt, small
            ):
                return True
            case _:
                continue
    return False
