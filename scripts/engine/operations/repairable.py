"""Finds what a ledger says otherwise than it should, and whether it is known what it should say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from scripts.engine.ledger import stored
from scripts.engine.ledger.partial import Partial
from scripts.engine.observer import Direction
from scripts.engine.operations import overview
from scripts.engine.operations.repair import Repair
from scripts.engine.safeguards import half_applied
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Applied, Status
from scripts.errors import FormatError
from scripts.files import checksum, equivalence, migration_file, rollback
from scripts.files.history import Entry

Texts = Callable[[Entry, str], Sequence[bytes]]
"""Returns what a file has said in the past, under a name that it may no longer have."""
Differences = Callable[[Sequence[str]], Sequence[str]]
"""Returns in what the database is not what migrations make it: these, in their order."""
_OTHERS = ("md5", "sha1", "sha512")
_ROWS = "rows are not compared: see that they are as the file leaves them"


class _Kept(NamedTuple):
    """What a row stores for a rollback."""

    sql: str
    intact: bool
    """Whether it is what was stored when the migration was applied."""


def find(
    settings: Settings, found: Status, texts: Texts, differences: Differences, notify: Notify
) -> list[Repair]:
    """Find what could be put right; changes nothing.

    Args:
        settings: whose database.
        found: its files and its ledger.
        texts: reads the history of a file.
        differences: compares the database; asked only where a file is half applied.
        notify: is told when the server keeps us waiting.

    Raises:
        MigrationError: when the database or a file cannot be read.
    """
    kept = _kept(settings, found, notify)
    repairs = [*_rows(found, kept, texts)]
    repairs += [_half(found, one, differences) for one in found.partial]
    return sorted(repairs, key=lambda one: int(one.version))


def _kept(settings: Settings, found: Status, notify: Notify) -> dict[str, _Kept]:
    versions = [one.row.version for one in found.applied]
    if not versions:
        return {}
    with database.connection(settings, overview.named(notify, settings)) as connection:
        texts = stored.kept_sql(connection, found.ledger, versions)
        changed = stored.changed(connection, found.ledger, versions)
    return {version: _Kept(text, version not in changed) for version, text in texts.items()}


def _rows(found: Status, kept: dict[str, _Kept], texts: Texts) -> Iterator[Repair]:
    renamed = {one.row.version for one in found.renamed}
    for other in found.renamed:
        yield _intact(kept, Repair(other.row.version, f"{other}", other.row, other.entry))
    for one in found.applied:
        if one.entry is None or one.row.version in renamed:
            continue
        if one.changed:
            yield _intact(kept, _changed(one, one.entry, kept, texts))
        elif not kept[one.row.version].intact:
            why = "the stored rollback SQL was changed since it was stored"
            doubt = "find out who changed it, and why"
            yield Repair(one.row.version, why, one.row, one.entry, doubt=doubt)
        elif one.row.filename != one.entry.filename:
            why = f"its file is {one.entry.filename} by now, with the same text"
            yield Repair(one.row.version, why, one.row, one.entry)


def _intact(kept: dict[str, _Kept], one: Repair) -> Repair:
    """Doubt a repair of a row whose rollback SQL somebody has changed."""
    if kept[one.version].intact or one.doubt:
        return one
    return one._replace(doubt="the stored rollback SQL was changed since it was stored")


def _changed(one: Applied, entry: Entry, kept: dict[str, _Kept], texts: Texts) -> Repair:
    row = one.row
    about = Repair(row.version, "", row, entry)
    if not row.checksum:
        return _without_checksum(about, entry, kept[row.version].sql)
    if row.filename != entry.filename:
        why = f"it was applied as {row.filename}, and {entry.filename} has another text"
        return about._replace(why=why, doubt="they may be two migrations")
    data = checksum.read(str(entry.folder), entry.filename)
    other = next(
        (name for name in _OTHERS if hashlib.new(name, data).hexdigest() == row.checksum), ""
    )
    if other:
        return about._replace(why=f"its checksum is the file's {other}, not its SHA-256")
    earlier = (text for text in texts(entry, row.filename) if checksum.of(text) == row.checksum)
    before = next(earlier, None)
    if before is None:
        why = "the file was changed since it was applied"
        return about._replace(
            why=why, doubt="git's history does not have the text that was applied"
        )
    line = _first_change(entry, before)
    if line is None:
        return about._replace(why="only comments and white space were changed since it was applied")
    why = f"its SQL was changed since it was applied, first in line {line}"
    return about._replace(why=why, doubt="the database may not have what the file says")


def _without_checksum(about: Repair, entry: Entry, noted: str) -> Repair:
    why = "its row has no checksum, so it is not known whether the file was changed"
    if not noted:
        return about._replace(why=f"{why}, and no rollback SQL")
    file = migration_file.read(entry.path, released=True)
    try:
        same = equivalence.words(rollback.parse(noted).down) == equivalence.words(file.down)
    except FormatError:
        same = False
    if same:
        return about._replace(why=f"{why}; its rollback SQL is the file's DOWN")
    return about._replace(why=why, doubt="its rollback SQL is not the file's DOWN")


def _first_change(entry: Entry, before: bytes) -> int | None:
    """Return the first line of a file whose SQL was another; None where it was the same."""
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


def _half(found: Status, one: Partial, differences: Differences) -> Repair:
    """Compare a database with both of what it may have become by hand."""
    applied = found.find(one.version)
    entry = found.history.find(one.version)
    about = Repair(one.version, half_applied.described(one), applied and applied.row, entry, one)
    if entry is None or entry.filename != one.filename or found.ahead:
        doubt = "not all of what is applied is in this checkout"
        return about._replace(doubt=doubt, impossible=True)
    others = [each.row.version for each in found.applied if each is not applied]
    complete = differences([*others, one.version])
    without = differences(others)
    is_up = one.direction == Direction.UP.value
    if not complete and not without:
        return about._replace(doubt="what it does cannot be seen in the catalog")
    if not complete:
        return about._replace(why=_by_hand("complete", one, _ROWS))
    if not without:
        return about._replace(why=_by_hand("undone", one, ""), entry=None)
    first = "\n".join([*complete[:3], *(["…"] if len(complete) > 3 else [])])
    return about._replace(
        doubt=f"the database is neither as with it nor as without it{'' if is_up else ' again'}",
        detail=first,
    )


def _by_hand(how: str, one: Partial, more: str) -> str:
    what = f"it was half {'applied' if one.direction == Direction.UP.value else 'rolled back'}"
    return f"{what}, and the catalog shows that it is {how} by now" + (f"; {more}" if more else "")
