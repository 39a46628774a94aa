"""One object that a statement creates, drops or changes, and the names in a tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from postgast import pg_query_pb2 as pg


class Verb(Enum):
    """What is done."""

    CREATE = "create"
    DROP = "drop"
    OTHER = "other"
    """What cannot be done twice: a rename, an attached partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One object that a statement creates, drops or changes."""

    verb: Verb
    kind: str
    """In small letters, as in SQL: table, index, column, constraint, function."""
    name: str
    """Without the schema public; "" where PostgreSQL chooses it."""
    of: str = ""
    """The table that a column, constraint, trigger, policy or rule belongs to."""
    repeatable: bool
    """Whether it does no harm the second time: IF NOT EXISTS, OR REPLACE, IF EXISTS."""
    how: str = ""
    """What would make it repeatable."""
    sql: str = ""
    """The words that do it, for what is neither CREATE nor DROP: RENAME COLUMN title TO name."""


def strings(nodes: Iterable[pg.Node]) -> list[str]:
    """Return the texts of a list of names."""
    return [node.string.sval for node in nodes if node.WhichOneof("node") == "string"]


def joined(names: Iterable[str]) -> str:
    """Return a name with its schema, unless that is public."""
    parts = list(names)
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "public" else parts)


def relation(table: pg.RangeVar) -> str:
    """Return a table's name with its schema, unless that is public."""
    return joined([table.schemaname, table.relname] if table.schemaname else [table.relname])


def kind_of(number: int) -> str:
    """OBJECT_MATVIEW → materialized view."""
    text = str(pg.ObjectType.Name(number)).removeprefix("OBJECT_").lower()
    return {
        "matview": "materialized view",
        "tabconstraint": "constraint",
        "tsconfiguration": "text search configuration",
        "tsdictionary": "text search dictionary",
    }.get(text, text.replace("_", " "))
