"""What a command is about: kinds of objects, and the clauses of ALTER, read from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scripts.sqltext.identifiers import Reader
from scripts.sqltext.lexer import Kind

IF_EXISTS, IF_NOT_EXISTS = ("if", "exists"), ("if", "not", "exists")
# As written → what it is. A sequence, a view or an index may be named after ALTER TABLE as well.
_KINDS = {
    ("table",): "table",
    ("foreign", "table"): "table",
    ("sequence",): "sequence",
    ("schema",): "schema",
    ("type",): "type",
    ("domain",): "type",
    ("view",): "view",
    ("materialized", "view"): "materialized view",
    ("index",): "index",
    ("extension",): "extension",
    ("function",): "function",
    ("procedure",): "function",
    ("aggregate",): "function",
    ("routine",): "function",
}
_BY_FIRST_WORD = {words[0]: [other for other in _KINDS if other[0] == words[0]] for words in _KINDS}
# Reserved words, so no column without quotes is named so.
_CONSTRAINTS = ("constraint", "primary", "unique", "check", "foreign", "not")


class Object(NamedTuple):
    """Something in a database, by the name that a statement gives it."""

    kind: str  # one of `_KINDS`' values, or column
    name: tuple[str, ...]
    """As the server folds it, with schema and database where they are written."""
    column: str = ""
    """Of the table `name`, where the kind is column."""


def kind(reader: Reader) -> str:
    """Go past the words that name a kind of object and return it; "" where none come next."""
    part = reader.peek()
    coming = _BY_FIRST_WORD.get(part.text, ()) if part else ()
    return next((_KINDS[words] for words in coming if reader.word(*words)), "")


def altered_table(reader: Reader) -> tuple[str, ...]:
    """Go past what ALTER TABLE alters and return its name; nothing for another command."""
    return altered(reader) if kind(reader) == "table" else ()


def altered(reader: Reader) -> tuple[str, ...]:
    """Go past the name of what an ALTER is about and return it; nothing where there is none."""
    reader.word(*IF_EXISTS)
    reader.word("only")
    bracket = reader.mark("(")  # ONLY (t)
    name = reader.name() or ()
    if bracket:
        reader.mark(")")
    reader.mark("*")
    return name


def actions(reader: Reader) -> Iterator[None]:
    """Stand at the beginning of each action of an ALTER TABLE in turn."""
    yield
    while reader.to_comma():
        yield


def says_constraint(reader: Reader) -> bool:
    """Tell whether what comes after ADD or DROP is a constraint and no column."""
    first, second = reader.peek(), reader.peek(1)
    if first is None or first.kind is not Kind.WORD:
        return False
    # EXCLUDE is not reserved: a column may have that name.
    excludes = first.text == "exclude" and second is not None and second.text in ("using", "(")
    return excludes or first.text in _CONSTRAINTS
