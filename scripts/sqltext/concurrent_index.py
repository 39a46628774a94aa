"""Which index a `CREATE INDEX CONCURRENTLY` builds, by the names in its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.sqltext import identifiers, lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

_CREATES = re.compile(r"CREATE (UNIQUE )?INDEX CONCURRENTLY\b")


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """An index, and the table it is for, as PostgreSQL would read the names."""

    name: str
    schema: str | None
    table: str


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    quoted: bool
    dotted: bool
    """Whether it is joined to the name before it by a dot."""

    def is_word(self, *words: str) -> bool:
        return not self.quoted and self.text in words


def of(statement: Statement) -> ConcurrentIndex | None:
    """Return what a statement builds concurrently; None for another statement or no name.

    An index that PostgreSQL names itself can't be looked for.
    """
    if not _CREATES.match(" ".join(statement.words)):
        return None
    names = list(_names(statement.text))
    begin = next(at for at, name in enumerate(names) if name.is_word("concurrently")) + 1
    named = [name for name in names[begin:] if not name.is_word("if", "not", "exists", "only")]
    match named:
        case [name, on, schema, table, *_] if on.is_word("on") and table.dotted:
            return ConcurrentIndex(name.text, schema.text, table.text)
        case [name, on, table, *_] if on.is_word("on"):
            return ConcurrentIndex(name.text, None, table.text)
        case _:
            return None


def _names(text: str) -> Iterator[_Name]:
    """Give out the words, in small letters, and the quoted names ahead of the columns."""
    end = 0
    for token in lexer.tokens(text):
        part = text[token.start : token.end]
        dotted = "." in text[end : token.start]
        if token.kind is Kind.OPEN:
            return
        if token.kind is Kind.QUOTED_NAME:
            yield _Name(identifiers.unquoted(part), quoted=True, dotted=dotted)
        elif token.kind is Kind.WORD:
            yield _Name(identifiers.folded(part), quoted=False, dotted=dotted)
        end = token.end
