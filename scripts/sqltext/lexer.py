"""SQL text → tokens, by the rules of PostgreSQL's own lexer.

The rules are those of psql, which has to find the end of a statement without knowing the grammar:
https://www.postgresql.org/docs/current/sql-syntax-lexical.html and `src/fe_utils/psqlscan.l`.
White space and single characters that can't matter to a split are not given out as tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from scripts.sqltext import plain_insert


class Kind(Enum):
    """What a token is, as far as splitting and finding comments needs to know."""

    LINE_COMMENT = "line comment"
    BLOCK_COMMENT = "block comment"
    STRING = "quoted string"
    QUOTED_NAME = "quoted identifier"
    DOLLAR_STRING = "dollar-quoted string"
    WORD = "word"
    OPEN = "("
    CLOSE = ")"
    SEMICOLON = ";"
    BACKSLASH = "\\"
    INSERT = "plain INSERT"
    OTHER = "other"


class Token(NamedTuple):
    """A piece of the text: `text[start:end]`."""

    kind: Kind
    start: int
    end: int


class UnterminatedError(Exception):
    """A quote, a dollar quote or a block comment has no end.

    Args:
        kind: what was opened.
        start: where, as an index into the text.
        what: a sentence for people, where there is more to say than that it is never closed.
    """

    def __init__(self, kind: Kind, start: int, what: str = "") -> None:
        """Keep the place for the caller, who knows the file and its lines."""
        super().__init__(what or f"this {kind.value} is never closed")
        self.kind = kind
        self.start = start


# Every character outside ASCII counts as a letter, as for PostgreSQL (ident_start in scan.l).
# Classes say what does not belong: `re` takes 10 ms to compile one that names all of Unicode.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_LETTER_OR_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
_IN_A_NAME = r"[^\x00-#%-/:-@\[-^`{-\x7f]"  # these and the dollar sign
_NAME = rf"{_LETTER}{_IN_A_NAME}*+"
_TAG = rf"\$(?:{_LETTER}{_LETTER_OR_DIGIT}*+)?\$"
# A string goes on after white space with a line break in it (comments may stand there as well),
# and what follows is read like the first part: only for E'' does that change where it ends.
_GAP = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
_ESCAPED = r"'(?:[^'\\]++|\\.|'')*+'"
# The continuation is not possessive: Python 3.11.2, which Debian 12 has, takes half of such a
# group's repetition when the rest fails (3.11.7 does not). What follows lets nothing be given back.
# https://github.com/python/cpython/issues/106052
_TOKEN = re.compile(
    rf"""
    [ \t\n\r\f\v,.=]*+(?:
      (?P<escape_string>[eE]{_ESCAPED}(?:{_GAP}{_ESCAPED})*(?!{_GAP}'))
    | (?P<open_escape_string>[eE]')
    | (?P<word>{_NAME})
    | (?P<number>\$?[0-9]++(?:{_NAME})?)       # $1, and 1x: no dollar quote begins inside
    | (?P<string>'[^']{{0,255}}+'(?!'))          # a longer one is sought, see `_string_end`
    | (?P<quoted_name>"(?:[^"]++|"")*+")
    | (?P<tag>{_TAG})
    | (?P<line_comment>--[^\n\r]*+)
    | (?P<block_comment>/\*)
    | (?P<open>\() | (?P<close>\)) | (?P<semicolon>;) | (?P<backslash>\\)
    | (?P<open_string>') | (?P<open_name>")
    | (?P<other>.) | (?P<end>\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_DOUBLED = re.compile(r"(?:''[^']*+)++'")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_KINDS = {
    "escape_string": Kind.STRING,
    "word": Kind.WORD,
    "number": Kind.OTHER,
    "string": Kind.STRING,
    "quoted_name": Kind.QUOTED_NAME,
    "line_comment": Kind.LINE_COMMENT,
    "open": Kind.OPEN,
    "close": Kind.CLOSE,
    "semicolon": Kind.SEMICOLON,
    "backslash": Kind.BACKSLASH,
    "other": Kind.OTHER,
}
_KIND_BY_GROUP = [None, *(_KINDS.get(name) for name in _TOKEN.groupindex)]
COMMENTS = (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT)
_UNTERMINATED = {
    "open_escape_string": Kind.STRING,
    "open_name": Kind.QUOTED_NAME,
}


def tokens(
    text: str, start: int = 0, end: int | None = None, *, inserts: bool = False
) -> Iterator[Token]:
    """Give out the tokens of a text, in order.

    Args:
        text: SQL; any characters but NUL.
        start: where to begin, as an index into the text: a place outside quotes and comments.
        end: where the text is taken to stop.
        inserts: give out a plain INSERT that begins a statement as one token; see `plain_insert`.

    Raises:
        UnterminatedError: when the walk comes to a quote or block comment without an end, and not
            before: what stands ahead of it has been given out by then.
    """
    end = len(text) if end is None else end
    position = start
    begins = inserts
    while position < end:
        match = _TOKEN.match(text, position, end)
        if match is None or match.lastindex is None:  # the last alternatives take anything
            raise AssertionError(f"no token at {position}")
        position, stop = match.span(match.lastindex)
        if begins and (whole := _insert_end(text, position, end)):
            yield Token(Kind.INSERT, position, whole)
            position = whole
            continue
        kind = _KIND_BY_GROUP[match.lastindex]
        if kind is None:
            if match.lastgroup == "end":
                return
            kind, stop = _with_an_end(str(match.lastgroup), text, position, stop, end)
        yield Token(kind, position, stop)
        if inserts and kind not in COMMENTS:
            begins = kind is Kind.SEMICOLON
        position = stop


def _insert_end(text: str, position: int, end: int) -> int:
    """Return where a plain INSERT ends that begins here; 0 where none does."""
    if text[position : position + 1] not in ("i", "I"):
        return 0
    found = plain_insert.pattern().match(text, position, min(end, position + plain_insert.LONGEST))
    return found.end() if found else 0


def _with_an_end(name: str, text: str, start: int, body: int, end: int) -> tuple[Kind, int]:
    """Return kind and end of what goes on until something closes it.

    Args:
        name: the group of what opens it.
        text: where it is.
        start: where it is opened.
        body: where that ends.
        end: where the text is taken to stop.
    """
    if name == "block_comment":
        return Kind.BLOCK_COMMENT, _block_comment_end(text, start, end)
    if name == "open_string":
        return Kind.STRING, _string_end(text, start, end)
    if name == "tag":
        return Kind.DOLLAR_STRING, _dollar_string_end(text, text[start:body], body, end)
    raise UnterminatedError(_UNTERMINATED[name], start)


def _string_end(text: str, start: int, end: int) -> int:
    """Seek the quote: for a megabyte a pattern takes a hundred times as long."""
    quote = text.find("'", start + 1, end)
    if quote >= 0 and text.startswith("'", quote + 1, end):
        doubled = _DOUBLED.match(text, quote, end)
        quote = doubled.end() - 1 if doubled else -1
    if quote < 0:
        raise UnterminatedError(Kind.STRING, start)
    return quote + 1


def _block_comment_end(text: str, start: int, end: int) -> int:
    """Block comments nest, unlike in C."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start, end):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise UnterminatedError(Kind.BLOCK_COMMENT, start)


def _dollar_string_end(text: str, tag: str, body: int, end: int) -> int:
    closing = text.find(tag, body, end)
    if closing < 0:
        raise UnterminatedError(Kind.DOLLAR_STRING, body - len(tag))
    return closing + len(tag)
