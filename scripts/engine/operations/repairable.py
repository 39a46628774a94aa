"""Finds what a ledger says otherwise than it should, and whether it is known what it should say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scripts.engine.ledger import stored
from scripts.engine.operations import half_done, overview, realigned
from scripts.engine.operations.half_done import Differences
from scripts.engine.operations.realigned import Kept, Texts
from scripts.engine.operations.repair import Repair
from scripts.engine.safeguards import agreement
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Applied, Status
from scripts.files import history
from scripts.files.history import Entry

_TAMPERED = "the stored rollback SQL was changed since it was stored"


def find(
    settings: Settings, found: Status, texts: Texts, differences: Differences, notify: Notify
) -> list[Repair]:
    """Find what could be put right, one repair for each version; changes nothing.

    Args:
        settings: whose database.
        found: its files and its ledger.
        texts: reads the history of a file.
        differences: compares the database; asked only where a file is half applied.
        notify: is told when the server keeps us waiting.

    Raises:
        LedgerError: when ledger and Alembic's version disagree.
        MigrationError: when the database or a file cannot be read.
    """
    agreement.check_agreement(found)
    kept = _kept(settings, found, notify)
    repairs = {one.version: one for one in _rows(found, kept, texts)}
    for partial in found.partial:
        one = half_done.repair(found, partial, kept, differences)
        also = repairs.get(one.version)
        if also:
            # A file that is half rolled back is known by what was applied.
            one = one._replace(doubt=one.doubt or f"besides, {also.doubt or also.why}")
        repairs[one.version] = one
    ordered = sorted(repairs.values(), key=lambda one: history.number(one.version))
    return [_in_order(found, one, ordered) for one in ordered]


def _kept(settings: Settings, found: Status, notify: Notify) -> dict[str, Kept]:
    versions = [one.row.version for one in found.applied]
    if not versions:
        return {}
    with database.connection(settings, overview.named(notify, settings)) as connection:
        texts = stored.kept_sql(connection, found.ledger, versions)
        changed = stored.changed(connection, found.ledger, versions)
    return {version: Kept(text, version not in changed) for version, text in texts.items()}


def _rows(found: Status, kept: dict[str, Kept], texts: Texts) -> Iterator[Repair]:
    renamed = {one.row.version for one in found.renamed}
    taken = {one.entry.filename for one in found.renamed}
    for other in found.renamed:
        yield _intact(kept, Repair(other.row.version, f"{other}", other.row, other.entry))
    left = [one for one in found.pending if one.filename not in taken]
    for one in found.applied:
        if one.row.version in renamed:
            continue
        repair = _row(one, kept, texts) if one.entry else _moved(one, left, texts)
        if repair:
            yield _intact(kept, repair)


def _row(one: Applied, kept: dict[str, Kept], texts: Texts) -> Repair | None:
    row, entry = one.row, one.entry
    if entry is None:
        return None
    if one.changed:
        return realigned.repair(row, entry, kept[row.version], texts)
    if not kept[row.version].intact:
        return Repair(row.version, _TAMPERED, row, entry, doubt="find out who changed it, and why")
    if row.filename != entry.filename:
        why = f"its file is {entry.filename} by now, with the same text"
        return Repair(row.version, why, row, entry)
    return None


def _moved(one: Applied, left: list[Entry], texts: Texts) -> Repair | None:
    """Find a file that has a migration's SQL under another number, with other comments."""
    for entry in left:
        before = realigned.applied_text(entry, one.row, texts)
        if before is not None and realigned.first_change(entry, before) is None:
            left.remove(entry)
            why = f"it was applied as {one.row.filename}, whose SQL is now in {entry.filename}"
            return Repair(one.row.version, why, one.row, entry)
    return None


def _intact(kept: dict[str, Kept], one: Repair) -> Repair:
    """Doubt a repair of a row whose rollback SQL somebody has changed."""
    return one if kept[one.version].intact or one.doubt else one._replace(doubt=_TAMPERED)


def _in_order(found: Status, one: Repair, all_of_them: Sequence[Repair]) -> Repair:
    """Doubt a new number by which the order changes, or which a pending file would lie below."""
    if not one.renumbers or one.entry is None or one.doubt:
        return one
    after = {each.row.version: each.entry.number for each in all_of_them if each.row and each.entry}
    numbers = [after.get(each.row.version, each.number) for each in found.applied]
    taken = {each.entry.filename for each in all_of_them if each.entry}
    below = [
        each.filename
        for each in found.pending
        if each.filename not in taken and each.number < max(numbers)
    ]
    if below:
        doubt = f"{below[0]} is not applied, and would lie below: give it a higher number first"
        return one._replace(doubt=doubt, impossible=True)
    number, before = one.entry.number, history.number(one.version)
    others = [(each.number, new) for each, new in zip(found.applied, numbers, strict=True)]
    if any((old < before) != (new < number) for old, new in others if old != before):
        doubt = "others were applied between both numbers, and may need it, or it them"
        return one._replace(doubt=doubt)
    return one
