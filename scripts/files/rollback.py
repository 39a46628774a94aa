"""What the ledger stores for a rollback → the SQL to run, and how to run it."""

from __future__ import annotations

import re
from typing import NamedTuple

from scripts.files import header, migration_file, sections
from scripts.files.header import Header
from scripts.files.migration_file import Section
from scripts.files.sections import Piece

# Whatever may be a marker, inside a string or not.
_MAY_BE_MARKER = re.compile(r"(?:\A|(?<=[\n\r]))-- (UP|DOWN)([^\n\r]*)")
_DIRECTIVE_WORDS = ("transaction", "timeout", "irreversible")
_ALL_COMMENTS = re.compile(r"(?:[ \t]*+(?:--[^\n\r]*+)?(?:[\n\r]|\Z))*+")


class Rollback(NamedTuple):
    """A DOWN, ready to be run: from the ledger or from a file."""

    header: Header
    down: Section


def parse(stored: str) -> Rollback:
    """Read a rollback as `MigrationFile.rollback_sql` wrote it, or as an older tool did.

    An older tool may have stored a commented-out section as it stood in the file. Ours never stores
    comments without a statement, so such a text is uncommented instead of doing nothing.

    Raises:
        FormatError: when it cannot be split, or not run as its directives say; lines count from the
            stored text's first.
    """
    start = 0
    comments: list[tuple[int, str]] = []
    while line := header.STORED.match(stored, start):
        comments.append((len(comments) + 1, line.group().rstrip()))
        start = line.end()
    body = Piece(stored[start:], len(comments) + 1)
    head, down = header.parse(comments, released=True), migration_file.section(sections.plain(body))
    migration_file.require_outside(head, down)
    return Rollback(head, down)


def is_plainly_of(text: str, stored: str, undo: Rollback) -> bool:
    """Tell whether the text of a valid file shows, without being split, that a rollback is its own.

    A valid file has one marker of each kind outside strings. If no other line looks like one, and
    what follows `-- DOWN` is what is stored, that is the file's rollback. What is stored as
    comments alone is not: it would be uncommented once more.

    Args:
        text: of a file that is in the format, as one is that was applied.
        stored: what the ledger stores.
        undo: the same, parsed.

    Returns:
        False also where it takes reading the file to know.
    """
    found = list(_MAY_BE_MARKER.finditer(text))
    if [one[1] for one in found] != ["UP", "DOWN"] or header.STORED.match(stored):
        return False
    if undo.down.commented or not undo.down.statements:
        return False
    head = text[: found[0].start()].lower()
    if any(word in head for word in _DIRECTIVE_WORDS):
        return False
    down = text[found[1].end() :]
    if _ALL_COMMENTS.fullmatch(down):
        down = sections.uncommented(down)
    return down.strip() + "\n" == stored
