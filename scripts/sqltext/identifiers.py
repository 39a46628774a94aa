"""Names in SQL, read as the server reads them: folded, unquoted, decoded and cut.

The rules are those of PostgreSQL's lexer:
https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind

_LONGEST = 63
_STRINGS = (Kind.STRING, Kind.DOLLAR_STRING)
_DOLLAR_QUOTE = re.compile(r"\$[^$]*+\$")
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")


class Part(NamedTuple):
    """A word, a quoted name, a string or a mark of a statement."""

    kind: Kind
    text: str
    """A word folded, a quoted name and a string without their quotes, a mark as it is."""
    start: int
    end: int


def folded(word: str) -> str:
    """Return a name as PostgreSQL reads it without quotes: in UTF-8 it lowers ASCII alone."""
    if word.isascii():
        return word.lower()[:_LONGEST]
    return cut("".join(letter.lower() if letter.isascii() else letter for letter in word))


def unquoted(quoted: str) -> str:
    """Return what a name in quotes names: `"a""b"` is a"b."""
    return cut(quoted[1:-1].replace('""', '"'))


def cut(name: str) -> str:
    """Return a name cut to the 63 bytes that PostgreSQL keeps of it."""
    return name.encode()[:_LONGEST].decode(errors="ignore")


def decoded(text: str, escape: str = "\\") -> str:
    r"""Return what U&"…" names: `\00e9` and `\+0000e9` are é, a doubled escape is itself.

    Args:
        text: what stands between the quotes.
        escape: the escape character, as UESCAPE gives it.

    Returns:
        The name; the text as it is when an escape is none, which the server refuses.
    """
    mark = re.escape(escape)
    one = rf"{mark}(?:(?P<same>{mark})|(?P<four>[0-9A-Fa-f]{{4}})|\+(?P<six>[0-9A-Fa-f]{{6}}))"
    try:
        characters = re.sub(one, _character, text)
        paired = _SURROGATES.sub(_paired, characters)
        return cut(paired)
    except (ValueError, OverflowError):  # beyond Unicode, or half of a surrogate pair
        return cut(text)


def _character(escaped: re.Match[str]) -> str:
    digits = escaped["four"] or escaped["six"]
    return chr(int(digits, 16)) if digits else escaped["same"]


def _paired(pair: re.Match[str]) -> str:
    return pair.group().encode("utf-16", "surrogatepass").decode("utf-16")


def is_on(value: str | None) -> bool:
    """Tell whether an option of a command is on: `(VERBOSE)`, `(VERBOSE on)`, `(VERBOSE 1)`.

    Args:
        value: as `Reader.options` gives it.
    """
    return (value or "on").lower() not in ("off", "false", "0")


class Reader:
    """Reads the words and names of one statement from left to right, no farther than asked."""

    def __init__(self, text: str, start: int = 0) -> None:
        """Begin at a place of a statement's text that is outside quotes and comments.

        The text is one that the splitter has accepted: nothing in it is without an end.
        """
        self._text = text
        self._coming = _parts(text, start)
        self._read: list[Part] = []
        self._at = 0

    def peek(self, ahead: int = 0) -> Part | None:
        """Return the next part, or one after it; None at the end."""
        while len(self._read) <= self._at + ahead:
            part = next(self._coming, None)
            if part is None:
                return None
            self._read.append(part)
        return self._read[self._at + ahead]

    def take(self) -> Part | None:
        """Return the next part and go past it; None at the end."""
        part = self.peek()
        self._at += part is not None
        return part

    def word(self, *words: str) -> bool:
        """Go past these words, in small letters, if all of them come next, not in quotes."""
        for ahead, word in enumerate(words):
            part = self.peek(ahead)
            if part is None or part.kind is not Kind.WORD or part.text != word:
                return False
        self._at += len(words)
        return True

    def one_of(self, *words: str) -> str:
        """Go past one of these words and return it; empty when none comes next."""
        return next((word for word in words if self.word(word)), "")

    def mark(self, mark: str) -> bool:
        """Go past a mark, such as a comma, if it comes next."""
        part = self.peek()
        met = part is not None and part.kind not in (Kind.WORD, Kind.QUOTED_NAME, *_STRINGS)
        met = met and part is not None and part.text == mark
        self._at += met
        return met

    def string(self) -> str | None:
        """Go past a string and return what it says; None when none comes next."""
        part = self.peek()
        if part is None or part.kind not in _STRINGS:
            return None
        self._at += 1
        return part.text

    def identifier(self) -> str | None:
        """Go past one name without dots and return it; None when none comes next."""
        part = self.peek()
        if part is None or part.kind not in (Kind.WORD, Kind.QUOTED_NAME):
            return None
        self._at += 1
        if part.text != "u" or not self._text.startswith('&"', part.end):
            return part.text
        self._at += 1  # the &, which stands in the text
        name = self.take()
        if name is None:
            return part.text
        escape = self.string() if self.word("uescape") else None
        return decoded(self._text[name.start + 1 : name.end - 1].replace('""', '"'), escape or "\\")

    def name(self) -> tuple[str, ...] | None:
        """Go past a name of one to three parts and return them; None when none comes next."""
        first = self.identifier()
        if first is None:
            return None
        parts = [first]
        while self.mark("."):
            part = self.identifier()
            if part is None:
                return None
            parts.append(part)
        return tuple(parts) if len(parts) <= 3 else None

    def parentheses(self) -> None:
        """Go past what stands in parentheses, if they come next."""
        if not self.mark("("):
            return
        depth = 1
        while depth and (part := self.take()) is not None:
            depth += (part.kind is Kind.OPEN) - (part.kind is Kind.CLOSE)

    def options(self) -> dict[str, str | None]:
        """Go past options in parentheses, if they come next, and return their values by name.

        Returns:
            Names in small letters; None for one without a value, as VERBOSE in `(VERBOSE)`.
        """
        found: dict[str, str | None] = {}
        if not self.mark("("):
            return found
        while (name := self.identifier()) is not None:
            self.mark("=")
            value = self.peek()
            given = value is not None and value.text != "," and value.kind is not Kind.CLOSE
            found[name] = value.text if value and given else None
            while (part := self.peek()) and part.text != "," and part.kind is not Kind.CLOSE:
                self.take()
            if not self.mark(","):
                break
        self.mark(")")
        return found

    def to_comma(self) -> bool:
        """Go past the next comma outside parentheses; False when there is none."""
        while self.peek() is not None:
            if self.mark(","):
                return True
            self.parentheses() if self._opens() else self.take()
        return False

    def _opens(self) -> bool:
        part = self.peek()
        return part is not None and part.kind is Kind.OPEN


def _parts(text: str, start: int) -> Iterator[Part]:
    """Give out the tokens but comments, and the marks between them, which the lexer leaves out."""
    end = start
    for token in lexer.tokens(text, start):
        for at in range(end, token.start):
            if text[at] in ",.=":
                yield Part(Kind.OTHER, text[at], at, at + 1)
        end = token.end
        if token.kind not in lexer.COMMENTS:
            yield Part(token.kind, _said(token.kind, text[token.start : end]), token.start, end)


def _said(kind: Kind, text: str) -> str:
    match kind:
        case Kind.WORD:
            return folded(text)
        case Kind.QUOTED_NAME:
            return unquoted(text)
        case Kind.STRING:
            # Escapes of E'…' are left: no name that is written so has been seen.
            return text[text.index("'") + 1 : -1].replace("''", "'")
        case Kind.DOLLAR_STRING:
            tag = _DOLLAR_QUOTE.match(text)
            return text[tag.end() : -tag.end()] if tag else text
        case _:
            return text
