"""A migration file's text → its header comments, its UP section and its DOWN section."""

from __future__ import annotations

import re
from typing import NamedTuple

from scripts.errors import FormatError
from scripts.files import header
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Splitter, Statement

_MARKER = re.compile(r"-- (UP|DOWN)[ \t]*(?::.*)?")
# `-- Down`, `--UP:`: a marker, except for its case and spaces.
_MISTYPED = re.compile(r"--\s*(up|down)\s*(?::.*)?", re.IGNORECASE)
_NEARLY = re.compile(r"--[\s*#=-]*(up|down)\b.*", re.IGNORECASE)
_COMMENT_SIGN = re.compile(r"(?:^|(?<=\r))[ \t]*-- ?", re.MULTILINE)


_TWO_SECTIONS = "a file needs one line '-- UP', and after it one line '-- DOWN'"


class Piece(NamedTuple):
    """A part of the file and the number of its first line."""

    source: str
    """What it is a part of: a large file is not copied for each of its parts."""
    line: int
    commented: bool = False
    """Whether it was commented out as a whole, and has been uncommented."""
    statements: tuple[Statement, ...] | None = None
    """Its statements, if they are known; None where it has to be split."""
    only_comments: bool = False
    """Whether it is known to have nothing but comments."""
    start: int = 0
    end: int | None = None
    """Where it begins and ends in `source`."""

    @property
    def text(self) -> str:
        """Return its text."""
        return self.source[self.start : self.end]

    def behind(self, length: int) -> str:
        """Return its text but for that many characters at its beginning."""
        return self.source[self.start + length : self.end]


class Parts(NamedTuple):
    """A file split at its markers."""

    head: tuple[tuple[int, str], ...]
    """The header's comments, with their lines."""
    up: Piece
    down: Piece


def take_apart(text: str) -> Parts:
    """Find the markers with the lexer, so that those inside a string or a body do not count.

    Raises:
        FormatError: for a missing, repeated or misplaced section, or SQL before `-- UP`.
        lexer.UnterminatedError: for an unclosed quote, or one closed only after a marker.
    """
    markers: dict[str, tuple[int, int]] = {}
    head: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    halves: list[_Half] = []
    for token in lexer.tokens(text, inserts=True):
        if token.kind is not Kind.LINE_COMMENT:
            if halves:
                halves[-1].feed(token)
            elif not markers and token.kind is not Kind.BLOCK_COMMENT:
                raise FormatError(
                    "SQL before '-- UP' would never run",
                    line=line_of(text, token.start),
                    hint="move the line '-- UP' above the first statement",
                )
            continue
        comment = text[token.start : token.end].rstrip()
        found = _MARKER.fullmatch(comment) if _starts_line(text, token.start) else None
        if found:
            _add(markers, found[1], token, text)
            # A file's lines are counted once: for 50 MB that takes 20 ms.
            counted = halves[-1].counted if halves else (0, 1)
            halves.append(_Half(text, token.end, line_of(text, token.start, *counted)))
        elif not markers:
            head.append((line_of(text, token.start), comment))
        else:
            _refuse_directive(comment, text, token.start)
        if not found and _NEARLY.fullmatch(comment):
            others.append((token.start, comment))
    _require_both(text, markers, others)
    _refuse_mistyped(text, others)
    return _parts(text, tuple(head), markers, halves)


class _Half:
    """A section that is split into statements while the markers are looked for."""

    def __init__(self, text: str, start: int, line: int) -> None:
        self.counted = start, line
        """Where it begins, and on which line."""
        self._splitter = Splitter(text, start, line)
        self._statements: list[Statement] = []

    def feed(self, token: lexer.Token) -> None:
        """Take a token of it."""
        statement = self._splitter.feed(token)
        if statement:
            self._statements.append(statement)

    def ended(self, end: int) -> tuple[Statement, ...] | None:
        """Return its statements; None where all of it is commented out."""
        last = self._splitter.rest(end)
        if last:
            self._statements.append(last)
        return tuple(self._statements) if self._splitter.has_sql else None


def plain(piece: Piece) -> Piece:
    """Return a section's SQL; one with no SQL outside comments is commented out as a whole.

    Then one `-- ` is removed from each line, and every line keeps its number. A text with an open
    quote or block comment is returned unchanged: splitting it reports what is wrong.
    """
    if piece.statements is not None:
        return piece
    if not (piece.only_comments or _has_only_comments(piece.text)):
        return piece
    return Piece(uncommented(piece.text), piece.line, commented=True)


def _has_only_comments(text: str) -> bool:
    try:
        return all(token.kind in lexer.COMMENTS for token in lexer.tokens(text))
    except lexer.UnterminatedError:
        return False


def uncommented(text: str) -> str:
    """Return a text with one `-- ` removed from each line."""
    return _COMMENT_SIGN.sub("", text)


def line_of(text: str, position: int, start: int = 0, line: int = 1) -> int:
    """Return the number of the line that a position is on.

    Args:
        text: the file's.
        position: where.
        start: a place before it whose line is known.
        line: the line of that place; the first is 1.
    """
    return text.count("\n", start, position) + line


def _refuse_directive(comment: str, text: str, position: int) -> None:
    directive = header.directive_in(comment)
    if directive:
        raise FormatError(
            f"'{directive}' inside a section has no effect",
            line=line_of(text, position),
            hint="move the line into the header, above '-- UP'",
        )


def _starts_line(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] in "\n\r"


def _add(markers: dict[str, tuple[int, int]], name: str, token: lexer.Token, text: str) -> None:
    if name in markers:
        first = line_of(text, markers[name][0])
        raise FormatError(
            f"'-- {name}' appears twice, here and on line {first}",
            line=line_of(text, token.start),
            hint=_TWO_SECTIONS,
        )
    if name == "DOWN" and "UP" not in markers:
        raise FormatError(
            "'-- DOWN' comes before '-- UP', or '-- UP' is missing",
            line=line_of(text, token.start),
            hint=_TWO_SECTIONS,
        )
    markers[name] = (token.start, token.end)


def _refuse_mistyped(text: str, others: list[tuple[int, str]]) -> None:
    """Refuse a `-- Down` before the real one: what undoes a migration would become part of UP."""
    for position, comment in others:
        if _MISTYPED.fullmatch(comment) and _starts_line(text, position):
            what = f"'{comment}' looks like a section marker but is not one"
            raise _not_a_marker(line_of(text, position), what)


def _not_a_marker(line: int, what: str) -> FormatError:
    return FormatError(
        what,
        line=line,
        hint="write '-- UP' or '-- DOWN' at the start of a line; text may follow after a colon, "
        "as in '-- UP: text'",
    )


def _require_both(
    text: str, markers: dict[str, tuple[int, int]], others: list[tuple[int, str]]
) -> None:
    missing = next((name for name in ("UP", "DOWN") if name not in markers), None)
    if missing is None:
        return
    for position, comment in others:
        if re.match(rf"--\W*{missing}\b", comment, re.IGNORECASE):
            what = f"there is no '-- {missing}' section; is '{comment}' meant to be its marker?"
            raise _not_a_marker(line_of(text, position), what)
    hidden = re.search(rf"^-- {missing}[ \t]*(?::.*)?\r?$", text, re.MULTILINE)
    if hidden:
        opened = next(token for token in lexer.tokens(text) if token.end > hidden.start())
        raise lexer.UnterminatedError(
            opened.kind,
            opened.start,
            f"the '-- {missing}' on line {line_of(text, hidden.start())} is inside the "
            f"{opened.kind.value} that begins here",
        )
    raise FormatError(f"there is no '-- {missing}' section", line=1, hint=_TWO_SECTIONS)


def _parts(
    text: str,
    head: tuple[tuple[int, str], ...],
    markers: dict[str, tuple[int, int]],
    halves: list[_Half],
) -> Parts:
    up_end = markers["DOWN"][0]
    (up_start, up_line), (down_start, down_line) = (half.counted for half in halves)
    up, down = halves[0].ended(up_end), halves[1].ended(len(text))
    return Parts(
        head=head,
        up=Piece(text, up_line, statements=up, start=up_start, end=up_end),
        down=Piece(text, down_line, statements=down, only_comments=down is None, start=down_start),
    )
