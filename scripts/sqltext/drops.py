"""What the statements of a section drop, rename and create, by their text alone.

Nothing is parsed with the grammar, so that it costs next to nothing. What DO blocks, functions and
DROP OWNED do is not in the text; whether a name is there, and what it means, the server knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from scripts.sqltext import search_path, targets
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement
from scripts.sqltext.targets import Object


class Drop(NamedTuple):
    """One object that a statement drops."""

    object: Object
    cascade: bool
    line: int
    """The line on which its name stands."""
    search_path: tuple[str, ...] | None
    """What the section has set by then; None where it has not, or has set it back."""


def dropped(statements: Iterable[Statement]) -> tuple[Drop, ...]:
    """Return what the statements of a section, from its first, drop; IF EXISTS or not."""
    return tuple(drop for _, drops in _each(statements) for drop in drops)


def _each(statements: Iterable[Statement]) -> Iterator[tuple[Statement, list[Drop]]]:
    """Give each statement with what it drops, under the search path that the section has set."""
    path: tuple[str, ...] | None = None
    for statement in statements:
        drops: list[Drop] = []
        path = search_path.after(statement, path)
        if statement.command in ("DROP", "ALTER"):
            drops = list(_drops(statement, path))
        yield statement, drops


def made_again(statements: Iterable[Statement]) -> frozenset[Object]:
    """Return what the statements create or give a name to; temporary objects are left out."""
    return frozenset(created for statement in statements for created in _created(statement))


def lasting(statements: Sequence[Statement]) -> tuple[Drop, ...]:
    """Return what the statements drop, and don't make again further on."""
    again: set[Object] = set()
    lost: list[Drop] = []
    for statement, drops in reversed(list(_each(statements))):
        lost += (drop for drop in reversed(drops) if drop.object not in again)
        again |= set(_created(statement))
    return tuple(reversed(lost))


def renamed(statements: Iterable[Statement]) -> tuple[Object, ...]:
    """Return what the statements take a name or schema away from, under the name it had."""
    return tuple(
        old
        for statement in statements
        if statement.command == "ALTER"
        for old, _ in _renames(_reader(statement))
    )


def _reader(statement: Statement) -> Reader:
    return Reader(statement.text, statement.body)


def _drops(statement: Statement, path: tuple[str, ...] | None) -> Iterator[Drop]:
    reader = _reader(statement)
    read = _drop if reader.word("drop") else _altered_drops if reader.word("alter") else None
    for target, cascade, offset in read(reader) if read else ():
        yield Drop(target, cascade, statement.line_at(offset), path)


def _drop(reader: Reader) -> list[tuple[Object, bool, int]]:
    kind = targets.kind(reader)
    if not kind:
        return []
    reader.word("concurrently")
    reader.word(*targets.IF_EXISTS)
    named: list[tuple[Object, int]] = []
    while (part := reader.peek()) is not None and (name := reader.name()) is not None:
        named.append((Object(kind, name), part.start))
        reader.parentheses()  # the arguments of a function
        if not reader.mark(","):
            break
    cascade = reader.word("cascade")
    return [(target, cascade, offset) for target, offset in named]


def _altered_drops(reader: Reader) -> Iterator[tuple[Object, bool, int]]:
    table = targets.altered_table(reader)
    for _ in targets.actions(reader) if table else ():
        if not reader.word("drop") or targets.says_constraint(reader):
            continue
        reader.word("column")
        reader.word(*targets.IF_EXISTS)
        part = reader.peek()
        column = reader.identifier()
        if part is not None and column is not None:
            yield Object("column", table, column), reader.word("cascade"), part.start


def _renames(reader: Reader) -> Iterator[tuple[Object, Object]]:
    """Give out the old and the new name that an ALTER statement is about, if it is about any."""
    kind = targets.kind(reader) if reader.word("alter") else ""
    name = targets.altered(reader) if kind else ()
    reader.parentheses()
    if not name:
        return
    old = Object(kind, name)
    if reader.word("set", "schema"):
        schema = reader.identifier()
        if schema is not None:
            yield old, old._replace(name=(schema, name[-1]))
    elif reader.word("rename", "to"):
        new = reader.identifier()
        if new is not None:
            yield old, old._replace(name=(*name[:-1], new))
    elif reader.word("rename") and not reader.one_of("constraint", "value", "attribute"):
        reader.word("column")
        before = reader.identifier()
        after = reader.identifier() if reader.word("to") else None
        if before is not None and after is not None:
            yield Object("column", name, before), Object("column", name, after)


def _created(statement: Statement) -> Iterator[Object]:
    if statement.command == "CREATE":
        yield from _creations(_reader(statement))
    elif statement.command == "ALTER":
        yield from (new for _, new in _renames(_reader(statement)))
        yield from _added_columns(_reader(statement))


def _added_columns(reader: Reader) -> Iterator[Object]:
    table = targets.altered_table(reader) if reader.word("alter") else ()
    for _ in targets.actions(reader) if table else ():
        if not reader.word("add") or targets.says_constraint(reader):
            continue
        reader.word("column")
        reader.word(*targets.IF_NOT_EXISTS)
        column = reader.identifier()
        if column is not None:
            yield Object("column", table, column)


def _creations(reader: Reader) -> Iterator[Object]:
    reader.word("create")
    reader.word("or", "replace")
    reader.one_of("global", "local")
    if reader.one_of("temp", "temporary"):
        return
    reader.one_of("unlogged", "recursive", "unique")
    kind = targets.kind(reader)
    reader.word("concurrently")
    reader.word(*targets.IF_NOT_EXISTS)
    reader.word("authorization")  # CREATE SCHEMA AUTHORIZATION app: a schema of that name
    unnamed = kind == "index" and reader.word("on")
    name = reader.name() if kind and not unnamed else None
    if name is None:
        return
    if kind == "index":
        name = _index(reader, name)
    yield Object(kind, name)


def _index(reader: Reader, name: tuple[str, ...]) -> tuple[str, ...]:
    """Return an index's name with the schema of its table, where that is written."""
    if not reader.word("on"):
        return name
    reader.word("only")
    return (*(reader.name() or ("",))[:-1], *name)
