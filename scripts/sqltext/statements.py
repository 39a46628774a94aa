"""Tokens → statements: where one ends, on which line it begins, which words it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.sqltext import lexer, redaction
from scripts.sqltext.lexer import Kind, Token

# Enough to recognise any command: CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS name …
_LEADING_WORDS = 8
_ROUTINE = re.compile(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")
_COMMENTS = (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, to be sent to the server as it is.

    `text` runs from the end of the statement before to this one's semicolon, so the texts of all
    statements, joined, are the text that was split, up to the white space and comments at its end.
    """

    text: str
    body: int
    """Where in `text` the statement itself begins, after white space and comments."""
    line: int
    """The line of its first word, in the file or text it came from; the first line is 1."""
    words: tuple[str, ...]
    """Its first words outside parentheses, in capitals: ("CREATE", "TABLE", "USERS")."""
    ended: bool
    """Whether it ends with a semicolon: the last one may not."""
    unclosed: str = ""
    """`(` or `BEGIN` when the text ended before that was closed."""

    @property
    def command(self) -> str:
        """Return the first word: the SQL command."""
        return self.words[0] if self.words else ""

    @property
    def sql(self) -> str:
        """Return the statement itself, without the white space and comments ahead of it."""
        return self.text[self.body :]

    def summary(self, width: int = 80) -> str:
        """Return the statement on one line, without passwords, cut to `width` characters."""
        return redaction.shortened(self.sql, width)

    def line_at(self, offset: int) -> int:
        """Return the line of a place in `text`, given as an index into it."""
        return self.line + self.text.count("\n", self.body, max(offset, self.body))


def split(text: str, first_line: int = 1) -> Iterator[Statement]:
    """Split SQL into statements where psql would, giving each out before the next is read.

    An empty statement is none: its semicolon stays with the text of the one after it. What follows
    the last semicolon is a statement too, unless it is only white space and comments.

    Args:
        text: SQL.
        first_line: the line number of the text's first line.

    Raises:
        UnterminatedError: when the walk comes to a quote or block comment without an end.
    """
    scan = _Scan(text, first_line)
    for token in lexer.tokens(text):
        if token.kind in _COMMENTS:
            continue
        if token.kind is not Kind.SEMICOLON or scan.nested:
            scan.add(token)
        elif scan.body is not None:
            yield scan.take(token.end, ended=True)
    if scan.body is not None:
        yield scan.take(len(text), ended=False)


class _Scan:
    """What is known of the statement being read."""

    def __init__(self, text: str, first_line: int) -> None:
        self.text = text
        self._counted, self._line = 0, first_line
        self._begin(0)

    def _begin(self, start: int) -> None:
        self.start = start
        self.body: int | None = None
        self._words: list[str] = []
        self._parentheses = 0
        self._blocks = 0
        self._routine = False

    @property
    def nested(self) -> bool:
        return self._parentheses > 0 or self._blocks > 0

    def add(self, token: Token) -> None:
        if self.body is None:
            self.body = token.start
        if token.kind is Kind.OPEN:
            self._parentheses += 1
        elif token.kind is Kind.CLOSE:
            self._parentheses = max(0, self._parentheses - 1)
        elif token.kind is Kind.WORD and self._parentheses == 0:
            self._add_word(self.text[token.start : token.end].upper())

    def _add_word(self, word: str) -> None:
        if len(self._words) < _LEADING_WORDS:
            self._words.append(word)
            self._routine = bool(_ROUTINE.match(" ".join(self._words)))
        if not self._routine:
            return
        # CREATE FUNCTION … BEGIN ATOMIC …; …; END: the semicolons inside do not end it. CASE … END
        # inside has an END of its own.
        if word == "BEGIN" or (word == "CASE" and self._blocks):
            self._blocks += 1
        elif word == "END":
            self._blocks = max(0, self._blocks - 1)

    def take(self, end: int, *, ended: bool) -> Statement:
        body = self.start if self.body is None else self.body
        self._line += self.text.count("\n", self._counted, body)
        self._counted = body
        statement = Statement(
            text=self.text[self.start : end],
            body=body - self.start,
            line=self._line,
            words=tuple(self._words),
            ended=ended,
            unclosed="BEGIN" if self._blocks else "(" if self._parentheses else "",
        )
        self._begin(end)
        return statement
