"""What a REINDEX is asked to do, by its text."""

from __future__ import annotations

from typing import NamedTuple

from scripts.sqltext import identifiers
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement

_TARGETS = ("index", "table", "schema", "database", "system")


class Reindex(NamedTuple):
    """A REINDEX; https://www.postgresql.org/docs/current/sql-reindex.html."""

    target: str
    """index, table, schema, database or system."""
    name: tuple[str, ...]
    """As PostgreSQL reads it, in its parts; empty for the current database."""
    concurrently: bool


def of(statement: Statement) -> Reindex | None:
    """Return what a statement is asked to do; None for another one, or one the server refuses."""
    if statement.command != "REINDEX":
        return None
    reader = Reader(statement.text, statement.body)
    reader.word("reindex")
    options = reader.options()
    target = reader.one_of(*_TARGETS)
    # The word comes last, and the last one counts.
    concurrently = reader.word("concurrently") or (
        "concurrently" in options and identifiers.is_on(options["concurrently"])
    )
    return Reindex(target, reader.name() or (), concurrently) if target else None
