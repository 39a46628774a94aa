"""What the ledger stores for a rollback → the SQL to run, and how to run it."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.files import header, migration_file, sections
from scripts.files.header import Header
from scripts.files.migration_file import Section
from scripts.files.sections import Piece


@dataclass(frozen=True, slots=True)
class Rollback:
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
