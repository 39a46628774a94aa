"""Changes of one place in a statement, each of which leaves something that still looks like SQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind, Token

_TYPES = {
    "text": "integer",
    "integer": "bigint",
    "int": "bigint",
    "bigint": "integer",
    "boolean": "text",
    "timestamptz": "date",
    "date": "timestamptz",
    "varchar": "char",
    "char": "varchar",
}
_GUARDS = (
    ("IF", "NOT", "EXISTS"),
    ("IF", "EXISTS"),
    ("OR", "REPLACE"),
    ("EXCEPTION", "WHEN", "*", "THEN", "NULL", ";"),
)
"""What lets a statement be run twice; `*` is any word."""
_PIECES = (
    ("NOT", "NULL"),
    ("NOT", "VALID"),
    ("CASCADE",),
    ("RESTRICT",),
    ("ON", "DELETE", "*"),
    ("UNIQUE",),
    ("PRIMARY", "KEY"),
    ("GENERATED", "ALWAYS", "AS", "IDENTITY"),
    ("DEFERRABLE", "INITIALLY", "DEFERRED"),
    ("DESC",),
    ("DEFAULT", "*", "(", ")"),
    ("DEFAULT", "*"),
    ("REFERENCES", "*", "(", "*", ")"),
)
"""What can be left out, and SQL remains."""
_OTHERS = {
    "CASCADE": "RESTRICT",
    "RESTRICT": "CASCADE",
    "BEFORE": "AFTER",
    "ENABLE": "DISABLE",
    "DISABLE": "ENABLE",
    "ALWAYS": "BY DEFAULT",
    "ROW": "STATEMENT",
    "UPDATE": "DELETE",
    "<": ">",
    ">": "<",
    "TRUE": "FALSE",
    "FALSE": "TRUE",
}
"""Words, and others that may stand in their place."""
_PRIVILEGES = {"SELECT": "INSERT", "INSERT": "SELECT", "USAGE": "CREATE", "EXECUTE": "ALL"}
_NO_NAMES = {*_TYPES, "plpgsql", "sql", "now", "btrim", "regclass", "pg_attribute", "to_regclass"}


class Edit(NamedTuple):
    """One change in a statement."""

    kind: str
    what: str
    start: int
    end: int
    new: str = ""


def of(sql: str) -> Iterator[Edit]:
    """Give out the changes that a statement can have."""
    words = list(_flat(sql, 0, len(sql)))
    for operator in _OPERATORS:
        yield from operator(sql, words)


def _flat(text: str, start: int, end: int) -> Iterator[Token]:
    """Give out the tokens of a statement and of the bodies in it."""
    for token in lexer.tokens(text, start, end):
        if token.kind is Kind.DOLLAR_STRING:
            body = text.index("$", token.start + 1) + 1
            yield from _flat(text, body, token.end - (body - token.start))
        elif token.kind not in lexer.COMMENTS:
            yield token


def _types(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    for kind, start, end in words:
        if kind is Kind.WORD and (new := _TYPES.get(sql[start:end])):
            yield Edit("type", f"{sql[start:end]} becomes {new}", start, end, new)


def _names(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    """Rename once: what is written in small letters or in quotes is a name here."""
    for kind, start, end in words:
        word = sql[start:end]
        if kind is Kind.QUOTED_NAME:
            yield Edit("name", f'{word} becomes {word[:-1]}_2"', start, end, f'{word[:-1]}_2"')
        elif kind is Kind.WORD and word.islower() and word not in _NO_NAMES:
            yield Edit("name", f"{word} becomes {word}_2", start, end, f"{word}_2")


def _without(sql: str, words: Sequence[Token], kind: str, phrase: Sequence[str]) -> Iterator[Edit]:
    for at in range(len(words) - len(phrase) + 1):
        run = words[at : at + len(phrase)]
        said = [sql[start:end].upper() for _, start, end in run]
        if all(wanted in ("*", word) for wanted, word in zip(phrase, said, strict=True)):
            what = f"without {' '.join(said)}"
            yield Edit(kind, what, run[0].start, run[-1].end)


def _guards(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    for phrase in _GUARDS:
        yield from _without(sql, words, "guard", phrase)


def _pieces(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    for phrase in _PIECES:
        yield from _without(sql, words, "piece", phrase)


def _literals(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    for kind, start, end in words:
        word = sql[start:end]
        if kind is Kind.STRING:
            yield Edit("literal", f"{word} gets an x", start, end, f"{word[:-1]}x'")
        elif word.isdigit():
            yield Edit("literal", f"{word} becomes {int(word) + 1}", start, end, f"{int(word) + 1}")


def _others(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    first = sql[words[0].start : words[0].end]
    others = _OTHERS | (_PRIVILEGES if first in ("GRANT", "REVOKE", "ALTER") else {})
    for _, start, end in words:
        if new := others.get(sql[start:end]):
            yield Edit("other word", f"{sql[start:end]} becomes {new}", start, end, new)


def _items(sql: str, words: Sequence[Token]) -> Iterator[Edit]:
    """Leave out each item of each list but its first: the comma ahead of it goes too."""
    depth, opened = 0, dict[int, tuple[int, int]]()
    for before, token in itertools.pairwise(words):
        ends = before.kind is Kind.CLOSE, token.kind is Kind.CLOSE or token.kind is Kind.SEMICOLON
        depth += (before.kind is Kind.OPEN) - ends[0]
        comma = sql.find(",", before.end, token.start)
        if (comma >= 0 or ends[1]) and depth in opened:
            start, body = opened.pop(depth)
            end = comma if comma >= 0 else before.end
            what = " ".join(sql[body:end].split())
            yield Edit("list", f"without {what[:40]}", start, end)
        if comma >= 0:
            opened[depth] = comma, token.start


_Operator = Callable[[str, Sequence[Token]], Iterator[Edit]]
_OPERATORS: tuple[_Operator, ...] = (
    _types,
    _names,
    _guards,
    _pieces,
    _literals,
    _others,
    _items,
)
