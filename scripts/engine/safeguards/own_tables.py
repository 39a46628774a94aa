"""Refuses a section that would take away what a run writes: ledger, Alembic's table, event log.

Only what the text shows; what a DO block or function does is noticed afterwards: see `record`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scripts.engine.ledger.table import Ledger
from scripts.engine.reported import Direction
from scripts.engine.settings import EVENTS_SUFFIX, TableName
from scripts.engine.step import Step
from scripts.errors import LedgerError
from scripts.sqltext import drops, search_path
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement
from scripts.sqltext.targets import Object

# An old server takes ALTER INDEX for any of these, and all of them have one namespace.
_RELATIONS = ("table", "index", "view", "materialized view", "sequence")
_TAKING = ("DROP", "ALTER", "TRUNCATE")
_PASSED = ("$user", "pg_catalog", "pg_temp")
"""Schemas of a search path that people don't keep such tables in."""
_UNKNOWN_SCHEMA = "public"
"""Where a ledger without a schema is taken to be when there is no database to ask."""


class _Loss(NamedTuple):
    """What a statement would do to something."""

    verb: str
    object: Object
    line: int
    search_path: tuple[str, ...] | None
    """As `drops.Drop` has it."""


def check(step: Step, ledger: Ledger) -> None:
    """Refuse a section that drops, renames or empties a table of ours, before anything is run.

    DELETE and UPDATE are allowed: they are used to correct a ledger, and the result is compared
    with Alembic's version by the next run.

    Args:
        step: the section.
        ledger: what it must not touch, as do the tables beside it.

    Raises:
        LedgerError: with the line.
    """
    if not _may_name(step.section.statements, ledger):
        return
    for loss in _losses(step.section.statements):
        what = _ours(loss, ledger)
        if what:
            raise LedgerError(
                f"{step.filename} would {loss.verb} {what}",
                where=f"{step.place}:{loss.line}",
                detail="it belongs to this tool, which uses it to know what is applied and what "
                "undoes it",
                state="nothing was changed",
                hint=_hint(step),
            )


def _may_name(statements: Iterable[Statement], ledger: Ledger) -> bool:
    """Tell whether a statement that takes something away has a name of ours in its text.

    Letters of `U&"…"` may be written as numbers.
    """
    schema = ledger.table.schema or _UNKNOWN_SCHEMA
    own = [name.replace('"', '""').casefold() for name in (schema, *_names(ledger))]
    return any(
        any(name in text for name in ('u&"', *own))
        for text in (one.text.casefold() for one in statements if one.command in _TAKING)
    )


def _hint(step: Step) -> str:
    if step.direction is Direction.DOWN:
        return (
            "remove the statement from the file's DOWN, and run `python scripts/rollback.py "
            "--use-file`, which runs it instead of the stored SQL"
        )
    return (
        "remove the statement from the file; if a table in another schema is meant, write the "
        "schema before the name; if another tool's table is meant, set MIGRATION_TABLE to a name "
        "that no other tool uses"
    )


def _losses(statements: Iterable[Statement]) -> Iterator[_Loss]:
    """Yield what the statements take away, except temporary tables of their own."""
    path: tuple[str, ...] | None = None
    temporary: set[str] = set()
    for one in statements:
        path = search_path.after(one, path)
        if one.command == "CREATE":
            temporary.update(_temporary(one))
        for loss in _of(one, path):
            name = loss.object.name
            # Without a schema, a temporary table comes before all others.
            if len(name) > 1 or name[-1] not in temporary:
                yield loss
            elif loss.verb in ("drop", "rename") and loss.object.kind == "table":
                temporary.discard(name[-1])


def _of(statement: Statement, path: tuple[str, ...] | None) -> Iterator[_Loss]:
    for drop in drops.dropped([statement]):
        yield _Loss("drop", drop.object, drop.line, path)
    for renamed in drops.renamed([statement]):
        yield _Loss("rename", renamed, statement.line, path)
    if statement.command == "TRUNCATE":
        for name in _truncated(statement):
            yield _Loss("empty", Object("table", name), statement.line, path)


def _temporary(statement: Statement) -> Iterator[str]:
    """Name the temporary table that a CREATE makes, if it makes one."""
    if not {"TEMP", "TEMPORARY"} & set(statement.words[:3]):
        return
    reader = Reader(statement.text, statement.body)
    reader.word("create")
    reader.one_of("global", "local")
    if not reader.one_of("temp", "temporary") or not reader.word("table"):
        return
    reader.word("if", "not", "exists")
    name = reader.name()
    if name is not None:
        yield name[-1]


def _truncated(statement: Statement) -> Iterator[tuple[str, ...]]:
    reader = Reader(statement.text, statement.body)
    reader.word("truncate")
    reader.word("table")
    reader.word("only")
    while (name := reader.name()) is not None:
        yield name
        reader.mark("*")
        if not reader.mark(","):
            break
        reader.word("only")


def _ours(loss: _Loss, ledger: Ledger) -> str:
    """Name which of our tables a statement means; "" when it means something else."""
    schema, name = ledger.table.schema or _UNKNOWN_SCHEMA, loss.object.name
    if loss.object.kind == "schema":
        return f"the schema {schema}, which contains the ledger" if name[-1] == schema else ""
    column = loss.object.kind == "column"
    if not column and loss.object.kind not in _RELATIONS:
        return ""
    if len(name) > 1:
        here = name[-2] == schema
    elif loss.search_path is None:
        here = ledger.visible
    else:
        # Which schemas have the name is not in the text. Where another comes first, that is meant;
        # if it has no such table after all, the loss is noticed afterwards: see `record`.
        here = next((one for one in loss.search_path if one not in _PASSED), "") == schema
    what = _names(ledger).get(name[-1], "") if here else ""
    return f"the column {loss.object.column} of {what}" if what and column else what


def _names(ledger: Ledger) -> dict[str, str]:
    events = TableName(ledger.table.schema, f"{ledger.table.name}{EVENTS_SUFFIX}")
    return {
        ledger.table.name: f"the ledger {ledger.table}",
        ledger.version_table.name: f"Alembic's table {ledger.version_table}",
        events.name: f"the event log {events}",
    }
