"""Tokens → statements: where one ends, on which line it begins, which words it begins with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scripts.sqltext import lexer, plain_insert, redaction
from scripts.sqltext.lexer import Kind, Token

# Enough to recognise any command: CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS name …
_LEADING_WORDS = 8
_LONGEST_ENDING = 64
"""Characters of a plain INSERT's end that tell whether it has an ON CONFLICT."""
_ROUTINES = {
    ("CREATE", *replacing, kind)
    for replacing in ((), ("OR", "REPLACE"))
    for kind in ("FUNCTION", "PROCEDURE")
}
"""What the bodies of begin with that may have statements of their own."""


class Statement(NamedTuple):
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
    splitter = Splitter(text, 0, first_line)
    for token in lexer.tokens(text, inserts=True):
        statement = splitter.feed(token)
        if statement:
            yield statement
    last = splitter.rest(len(text))
    if last:
        yield last


class Splitter:
    """Makes statements of the tokens of a text, from a place on."""

    def __init__(self, text: str, start: int, line: int) -> None:
        """Begin at a place that is on this line; the tokens are fed from there on."""
        self._text = text
        self.has_sql = False
        """Whether there was anything but comments."""
        self._counted, self._line = start, line
        self._begin(start)

    def _begin(self, start: int) -> None:
        self._start = start
        self._body: int | None = None
        self._words: list[str] = []
        self._parentheses = self._blocks = 0
        self._routine = False

    def feed(self, token: Token) -> Statement | None:
        """Take a token; return the statement that it ends, if it ends one."""
        kind, start, end = token
        if kind in lexer.COMMENTS:
            return None
        self.has_sql = True
        if kind is Kind.INSERT:
            return None if self._nested else self._insert(token)
        if kind is Kind.SEMICOLON and not self._nested:
            return None if self._body is None else self._take(end, ended=True)
        if self._body is None:
            self._body = start
        if kind is Kind.WORD:
            self._add_word(start, end)
        elif kind is Kind.OPEN:
            self._parentheses += 1
        elif kind is Kind.CLOSE:
            self._parentheses = max(0, self._parentheses - 1)
        return None

    def rest(self, end: int) -> Statement | None:
        """Return the statement that nothing has ended, if there is one."""
        return None if self._body is None else self._take(end, ended=False)

    def _insert(self, token: Token) -> Statement:
        self._body = token.start
        table = plain_insert.table(self._text, token.start)
        ending = self._text[max(token.start, token.end - _LONGEST_ENDING) : token.end]
        self._words = list(plain_insert.words(ending, table))[:_LEADING_WORDS]
        return self._take(token.end, ended=True)

    @property
    def _nested(self) -> bool:
        return self._parentheses > 0 or self._blocks > 0

    def _add_word(self, start: int, end: int) -> None:
        leads = len(self._words) < _LEADING_WORDS
        if self._parentheses or not (leads or self._routine):
            return
        word = self._text[start:end].upper()
        if leads:
            self._words.append(word)
            self._routine |= tuple(self._words) in _ROUTINES
        if not self._routine:
            return
        # CREATE FUNCTION … BEGIN ATOMIC …; …; END: the semicolons inside do not end it. CASE … END
        # inside has an END of its own.
        if word == "BEGIN" or (word == "CASE" and self._blocks):
            self._blocks += 1
        elif word == "END":
            self._blocks = max(0, self._blocks - 1)

    def _take(self, end: int, *, ended: bool) -> Statement:
        body = self._start if self._body is None else self._body
        self._line += self._text.count("\n", self._counted, body)
        self._counted = body
        statement = Statement(
            text=self._text[self._start : end],
            body=body - self._start,
            line=self._line,
            words=tuple(self._words),
            ended=ended,
            unclosed="BEGIN" if self._blocks else "(" if self._parentheses else "",
        )
        self._begin(end)
        return statement
