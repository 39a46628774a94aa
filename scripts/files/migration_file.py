"""One migration file: text → header, UP, DOWN, checksum."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import NamedTuple

from scripts.errors import FormatError
from scripts.files import checksum, header, sections
from scripts.files.header import Header
from scripts.files.project import shown
from scripts.files.sections import Piece
from scripts.sqltext import lexer, prose, statements, transaction_block, unsupported
from scripts.sqltext.statements import Statement


class Section(NamedTuple):
    """UP, DOWN or a stored rollback: SQL that runs statement by statement."""

    statements: tuple[Statement, ...]
    rest: str = ""
    """What follows the last statement: white space and comments."""
    line: int = 1
    """The line on which it begins."""
    commented: bool = False
    """Whether the whole section is commented out."""

    @property
    def text(self) -> str:
        """Return its text, which the statements have been cut from."""
        return "".join([*(one.text for one in self.statements), self.rest])

    @property
    def length(self) -> int:
        """Return how many characters it has."""
        return sum(len(one.text) for one in self.statements) + len(self.rest)


class MigrationFile(NamedTuple):
    """A migration file that is in the format."""

    path: Path
    header: Header
    up: Section
    down: Section
    checksum: str

    @property
    def rollback_sql(self) -> str:
        """Return what the ledger keeps: the directives that a rollback obeys, then the DOWN's SQL.

        It is plain SQL, whether DOWN is commented out or not, and empty but for the directives
        where DOWN has no statement.
        """
        body = self.down.text.strip() + "\n" if self.down.statements else ""
        if header.STORED.match(body):
            # A comment that only looks like a directive: a blank line keeps it apart.
            body = "\n" + body
        return self.header.directives() + body


def read(path: Path, *, released: bool = False) -> MigrationFile:
    """Read a migration file.

    Args:
        path: its path.
        released: see `header.parse`.

    Raises:
        FormatError: when it is not in the format: file, line, what to write instead.
        OSError: when it cannot be read.
    """
    data = checksum.read(str(path.parent), path.name)
    sum_of_it = checksum.of(data)
    try:
        text = decode(data)
        del data  # a large file is in memory once
        return parse(path, text, released=released, known_checksum=sum_of_it)
    except FormatError as error:
        raise error.in_file(shown(path)) from error


def read_text(path: Path) -> str:
    """Return the text of a migration file, without reading what it says.

    Raises:
        FormatError: see `decode`.
        OSError: when it cannot be read.
    """
    try:
        return decode(checksum.read(str(path.parent), path.name))
    except FormatError as error:
        raise error.in_file(shown(path)) from error


def read_pending(path: Path) -> MigrationFile:
    """Read a migration file that will be applied, now or later.

    Its DOWN can still be changed, so what would make a rollback fail is refused now; in an applied
    file it is not.

    Raises:
        FormatError: as `read`, and for prose in a DOWN that is commented out.
        OSError: when it cannot be read.
    """
    file = read(path)
    if file.down.commented:
        try:
            prose.check(file.down.statements)
        except FormatError as error:
            raise error.in_file(shown(path)) from error
    return file


def parse(
    path: Path, text: str, *, released: bool = False, known_checksum: str = ""
) -> MigrationFile:
    """Split a file's text into header, UP and DOWN.

    Args:
        path: its path, for the result only.
        text: its text without a byte order mark.
        released: see `header.parse`.
        known_checksum: of the file; "" where it has to be worked out.

    Raises:
        FormatError: when it is not in the format; the file is not named.
    """
    try:
        parts = sections.take_apart(text)
    except lexer.UnterminatedError as error:
        raise _unterminated(Piece(text, 1), error) from error
    up = section(parts.up)
    if not up.statements:
        raise FormatError(
            "the UP section has no SQL statement",
            line=parts.up.line,
            hint="write the SQL that applies the migration between '-- UP' and '-- DOWN'",
        )
    down = section(sections.plain(parts.down))
    head = header.parse(parts.head, released=released)
    require_outside(head, up, down)
    return MigrationFile(path, head, up, down, known_checksum or checksum.of(text.encode()))


def require_outside(head: Header, *parts: Section) -> None:
    """Refuse statements that need `-- Transaction: none` where the header does not have it.

    Raises:
        FormatError: with the line and the header line to add; the file is not named.
    """
    if head.transactional:
        for part in parts:
            for statement in part.statements:
                transaction_block.check(statement)


def section(piece: Piece) -> Section:
    """Split a section's SQL, and refuse what cannot be run.

    Raises:
        FormatError: for an open quote or parenthesis, or SQL that only psql or only a file that
            manages its own transaction could run; the file is not named.
    """
    found: list[Statement] = []
    known = piece.statements
    try:
        for statement in statements.split(piece.text, piece.line) if known is None else known:
            _check(statement, commented=piece.commented)
            found.append(statement)
    except lexer.UnterminatedError as error:
        raise _unterminated(piece, error) from error
    rest = piece.behind(sum(len(one.text) for one in found))
    return Section(tuple(found), rest, piece.line, piece.commented)


def decode(data: bytes) -> str:
    """Decode a file, without its byte order mark if it has one.

    Raises:
        FormatError: when it is not UTF-8 or has a NUL byte, which PostgreSQL rejects; the file is
            not named.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(
            f"the file is not valid UTF-8: byte 0x{data[error.start]:02x}",
            line=data.count(b"\n", 0, error.start) + 1,
            hint="save it as UTF-8",
        ) from error
    if "\0" in text:
        raise FormatError(
            "the file contains a NUL byte",
            line=sections.line_of(text, text.index("\0")),
            hint="save it as UTF-8 without NUL bytes",
        )
    return text


def _check(statement: Statement, *, commented: bool) -> None:
    """Refuse what cannot be run; a sentence such as `Commit (by hand` may look like SQL."""
    try:
        unsupported.check(statement)
    except FormatError as error:
        if not commented or prose.begins_like_sql(statement):
            raise
        raise FormatError(
            error.what,
            line=error.line,
            hint=f"{error.hint}; if this is prose: {prose.WAY_OUT}",
            code=error.code,
        ) from error


def _unterminated(piece: Piece, error: lexer.UnterminatedError) -> FormatError:
    """Name the open quote, unless an earlier problem explains it better.

    COPY data and psql's backslash commands are not SQL, so a lone quote in them opens no string.
    """
    try:
        for statement in statements.split(piece.text[: error.start], piece.line):
            # The last one is cut off by the open quote, which also hides what closes it.
            unsupported.check(statement if statement.ended else statement._replace(unclosed=""))
    except FormatError as refusal:
        return refusal
    return FormatError(
        str(error),
        line=piece.line + piece.text.count("\n", 0, error.start),
        hint=prose.WAY_OUT
        if piece.commented
        else "check for a missing or extra quote here or above",
    )
