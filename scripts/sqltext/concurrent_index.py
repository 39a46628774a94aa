"""Which indexes a `CREATE INDEX CONCURRENTLY` or `REINDEX … CONCURRENTLY` builds, by its text."""

from __future__ import annotations

from typing import NamedTuple

from scripts.sqltext import reindex
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement


class Shape(NamedTuple):
    """What an index's text and its catalog row both tell."""

    unique: bool
    method: str
    columns: tuple[str | None, ...]
    """Key columns, then included ones; None for an expression."""
    keys: int
    """How many of them are key columns."""
    partial: bool
    """Whether it has a WHERE."""


class Creation(NamedTuple):
    """A `CREATE INDEX CONCURRENTLY`."""

    name: str
    """Of the index; "" where PostgreSQL chooses one."""
    table: tuple[str, ...]
    """Its table, in the parts of its name."""
    shape: Shape


class Rebuild(NamedTuple):
    """A `REINDEX` with CONCURRENTLY: it builds copies, and then takes the old indexes away."""

    target: str
    """index, table, schema, database or system."""
    name: tuple[str, ...]
    """Of the target, in its parts; empty for the current database."""


ConcurrentBuild = Creation | Rebuild


def of(statement: Statement) -> ConcurrentBuild | None:
    """Return what a statement builds concurrently; None for another one."""
    found = reindex.of(statement)
    if found:
        return Rebuild(found.target, found.name) if found.concurrently else None
    reader = Reader(statement.text, statement.body)
    if not reader.word("create"):
        return None
    unique = reader.word("unique")
    return _creation(reader, unique=unique) if reader.word("index", "concurrently") else None


def _creation(reader: Reader, *, unique: bool) -> Creation | None:
    reader.word("if", "not", "exists")
    name = "" if reader.word("on") else reader.identifier()
    if name is None or not (name == "" or reader.word("on")):
        return None
    reader.word("only")
    table = reader.name()
    if table is None:
        return None
    method = (reader.identifier() or "") if reader.word("using") else "btree"
    keys = _listed(reader)
    included = _listed(reader) if reader.word("include") else ()
    partial = False
    while not partial and reader.peek() is not None:
        partial = reader.word("where")
        if not partial:
            reader.take()
    return Creation(name, table, Shape(unique, method, keys + included, len(keys), partial))


def _listed(reader: Reader) -> tuple[str | None, ...]:
    """Go past a list in parentheses, and return its columns; None for an expression."""
    if not reader.mark("("):
        return ()
    columns: list[str | None] = []
    while (part := reader.peek()) is not None and part.kind is not Kind.CLOSE:
        name = reader.identifier()
        # `lower(title)`, `(a || b)`; what follows a column is COLLATE, a class, ASC or NULLS.
        following = reader.peek()
        is_column = name is not None and following is not None and following.kind is not Kind.OPEN
        columns.append(name if is_column else None)
        while (part := reader.peek()) is not None and part.kind is not Kind.CLOSE:
            if reader.mark(","):
                break
            if part.kind is Kind.OPEN:
                reader.parentheses()
            else:
                reader.take()
    reader.take()
    return tuple(columns)
