"""A row whose checksum is not that of its file: whether the file still says what was applied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from scripts.engine.ledger.table import Row
from scripts.engine.operations.repair import Repair
from scripts.errors import FormatError
from scripts.files import checksum, equivalence, migration_file, rollback
from scripts.files.history import Entry
from scripts.files.rollback import Rollback

Texts = Callable[[Entry, str], Sequence[bytes]]
"""Returns what a file has said in the past, under a name that it may no longer have."""
_OTHERS = ("md5", "sha1", "sha512")


class Kept(NamedTuple):
    """What a row stores for a rollback."""

    sql: str
    intact: bool
    """Whether it is what was stored when the migration was applied."""


def repair(row: Row, entry: Entry, kept: Kept, texts: Texts) -> Repair:
    """Find out whether a row can get its file's checksum.

    Args:
        row: the row.
        entry: the file of its number.
        kept: what the row stores.
        texts: reads the history of a file.

    Raises:
        FormatError: when the file is not in the format.
    """
    about = Repair(row.version, "", row, entry)
    if not row.checksum:
        return _without_checksum(about, entry, kept.sql, texts)
    if row.filename != entry.filename:
        why = f"it was applied as {row.filename}, and {entry.filename} has another text"
        return about._replace(why=why, doubt="they may be two migrations")
    data = checksum.read(str(entry.folder), entry.filename)
    for name in _OTHERS:
        if hashlib.new(name, data).hexdigest() == row.checksum:
            return about._replace(why=f"its checksum is the file's {name}, not its SHA-256")
    before = applied_text(entry, row, texts)
    if before is None:
        why = "the file was changed since it was applied"
        doubt = "git's history does not have the text that was applied"
        return about._replace(why=why, doubt=doubt)
    line = first_change(entry, before)
    if line is None:
        return about._replace(why="only comments and white space were changed since it was applied")
    why = f"its SQL was changed since it was applied, first in line {line}"
    return about._replace(why=why, doubt="the database may not have what the file says")


def applied_text(entry: Entry, row: Row, texts: Texts) -> bytes | None:
    """Return the text that was applied; None where git's history does not have it."""
    found = texts(entry, row.filename)
    return next((text for text in found if checksum.of(text) == row.checksum), None)


def _without_checksum(about: Repair, entry: Entry, noted: str, texts: Texts) -> Repair:
    about = about._replace(why="its row has no checksum")
    for text in texts(entry, entry.filename):
        line = first_change(entry, text)
        if line is not None:
            doubt = f"git has the file with other SQL, first in line {line}"
            return about._replace(doubt=f"{doubt}: nobody noted which one was applied")
    if not noted:
        return about
    file = migration_file.read(entry.path, released=True)
    try:
        same = equivalence.undoes_the_same(rollback.parse(noted), Rollback(file.header, file.down))
    except FormatError:
        same = False
    if same:
        return about._replace(why=f"{about.why}; its rollback SQL is the file's DOWN")
    return about._replace(doubt="its rollback SQL is not the file's DOWN")


def first_change(entry: Entry, before: bytes) -> int | None:
    """Return the first line of a file whose SQL was another; None where it was the same.

    Args:
        entry: the file as it is now.
        before: an earlier text.

    Raises:
        FormatError: when the file is not in the format.
    """
    now = migration_file.read(entry.path, released=True)
    try:
        then = migration_file.parse(entry.path, migration_file.decode(before), released=True)
    except FormatError:
        return now.up.line
    if now.header.directives() != then.header.directives():
        return 1
    for new, old in ((now.up, then.up), (now.down, then.down)):
        line = equivalence.first_change(old, new)
        if line is not None:
            return line
    return None
