"""Puts the ledger right where it is known what it should say; no SQL of a migration is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg2.sql import SQL, Composable

from scripts.engine import reading, status
from scripts.engine.execution.executor import Note
from scripts.engine.ledger import stored
from scripts.engine.ledger.alembic_version import BASE
from scripts.engine.ledger.changes import ASIDE, NOTHING, Change, Deletion, Insertion, Replacement
from scripts.engine.ledger.events import Event, Kind
from scripts.engine.ledger.partial import Partial
from scripts.engine.ledger.table import Record, Row
from scripts.engine.objects import existing, identity
from scripts.engine.observer import Observer
from scripts.engine.run import command as commands
from scripts.engine.run import online
from scripts.engine.run.command import Command
from scripts.engine.run.online import Opened, Request
from scripts.engine.safeguards import agreement
from scripts.engine.session import waiting
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import FormatError, LedgerError
from scripts.files import history, rollback
from scripts.files.history import Entry
from scripts.sqltext import drops
from scripts.sqltext.drops import Drop

_NOT_RUN = SQL("NULL")
"""How long something took that did not run."""


class Repair(NamedTuple):
    """One thing in the ledger that is not as it should be, and what it would become."""

    version: str
    why: str
    """What was found: a sentence."""
    row: Row | None
    """The row that it is about; None where there is none."""
    entry: Entry | None
    """The file that the ledger will say is applied; None where none will."""
    partial: Partial | None = None
    """The file that was half applied, or half rolled back."""
    doubt: str = ""
    """Why it is not done unless somebody accepts it; "" where it is known to be right."""
    detail: str = ""
    impossible: bool = False
    """Whether nobody can accept it either."""

    @property
    def renumbers(self) -> bool:
        """Tell whether its row gets another version."""
        return bool(self.row and self.entry and self.row.version != self.entry.version)

    @property
    def at(self) -> str:
        """Return the version of its row while the ledger is changed; "" where there is none."""
        if self.row is None:
            return ""
        return ASIDE + self.row.version if self.renumbers else self.row.version

    @property
    def change(self) -> str:
        """Say what is done."""
        if self.entry is None:
            return "its row is taken away" if self.row else "it counts as not applied"
        if self.row is None:
            return "it gets its row"
        if self.row.filename != self.entry.filename:
            return f"its row becomes that of {self.entry.filename}"
        if self.partial:
            return "it counts as applied"
        return "its row gets the checksum and the rollback SQL of the file"


def make(
    settings: Settings,
    chosen: Sequence[Repair],
    seen: Status,
    reason: str,
    observer: Observer,
) -> str:
    """Change the ledger, with a row in the event log for each repair.

    Args:
        settings: whose database.
        chosen: what is to be done.
        seen: the ledger for which it was found.
        reason: why what is in doubt was accepted; "" where nothing was.
        observer: is told what is worth a line.

    Returns:
        The version that the ledger is at then, or "base".

    Raises:
        LedgerError: when the ledger is another one by now, or it and Alembic's version disagree, or
            the event log cannot be written.
        MigrationError: when anything else prevents it; nothing was changed then.
    """
    request = Request(settings, Command(commands.Kind.REPAIR, seen.current), observer)
    reached = _reached(seen, chosen)
    with online.opened(request) as found:
        drive, connection = found.drive(request), found.connection
        with drive.noted(), waiting.unbounded(connection.raw, drive.executor.on_tick):
            _check_same(found.status, seen)
            agreement.check_agreement(found.status)
            recorder = drive.executor.recorder
            with connection.transaction():
                recorder.create_ledger()
                drive.executor.log.prepare(connection.execute)
                recorder.set_aside([one.version for one in chosen if one.renumbers])
                # What only the event log says goes first: the last change moves Alembic's version.
                ordered = sorted(chosen, key=lambda one: bool(one.row or one.entry))
                for one in ordered:
                    after = reached if one is ordered[-1] else seen.current
                    recorder.note(_note(found, one, reason, (seen.current, after)))
                drive.executor.log.require()
                _check_done(status.read(connection.raw, settings, found.status.history), chosen)
    return reached


def _reached(seen: Status, chosen: Sequence[Repair]) -> str:
    """Return the version that the ledger will be at."""
    versions = {one.number: one.row.version for one in seen.applied}
    for one in chosen:
        if one.row:
            versions.pop(history.number(one.row.version), None)
    for one in chosen:
        if one.entry:
            versions[one.entry.number] = one.entry.version
    return versions[max(versions)] if versions else BASE


def _check_same(now: Status, seen: Status) -> None:
    both = [([one.row for one in of.applied], of.alembic_heads, of.partial) for of in (now, seen)]
    if both[0] != both[1]:
        raise LedgerError(
            "the ledger was changed since it was read",
            state="nothing was changed",
            hint="run the command again",
        )


def _check_done(now: Status, chosen: Sequence[Repair]) -> None:
    """Make sure that the ledger says what it should."""
    agreement.check_agreement(now)
    open_ones = {one.version for one in now.partial}
    left = [one.version for one in chosen if one.partial and one.version in open_ones]
    if left:
        raise LedgerError(f"{left[0]} still counts as half applied", state="nothing was changed")


def _note(found: Opened, one: Repair, reason: str, versions: tuple[str, str]) -> Note:
    entry, row = one.entry, one.row
    change = _change(found, one)
    event = Event(
        event=Kind.REPAIR,
        version=one.version,
        filename=entry.filename if entry else row.filename if row else None,
        checksum=found.status.history.checksum(entry) if entry else None,
        direction=one.partial.direction if one.partial else None,
        error="\n".join(_said(one, reason)),
        rollback_sql=_lost(found, one, change),
    )
    return Note(change, *versions, (event,))


def _change(found: Opened, one: Repair) -> Change:
    row, entry, partial = one.row, one.entry, one.partial
    if entry is None:
        return Deletion(row.version) if row else NOTHING
    if row is None:
        step, record = reading.upgrade(found.status, entry.version)
        before = partial.existing if partial else {}
        named = step.looked_up
        existed = existing.survivors(named, [before.get(each.shown) for each in named])
        return Insertion(record, _NOT_RUN, existed)
    if partial:
        return NOTHING
    record = reading.applied(found.status, entry.version)
    if row.checksum == record.checksum:
        return Replacement(one.at, record)
    return Replacement(one.at, record, _newly_named(found, one.at, record))


def _newly_named(found: Opened, at: str, record: Record) -> Composable | None:
    """Return what a changed DOWN drops that it did not drop before, and that is there now.

    Nobody looked whether the migration has made it: a rollback does not drop it unasked.
    """
    connection, ledger = found.connection, found.status.ledger.created()
    before = stored.kept_sql(connection.raw, ledger, [at])[at]
    if before == record.rollback_sql:
        return None
    known = identity.named(_drops(before))
    named = [one for one in identity.named(_drops(record.rollback_sql)) if one not in known]
    if not named:
        return None
    query = SQL("SELECT {}").format(identity.identities(named))
    row = connection.execute(query.as_string(connection.raw))
    return existing.survivors(named, row[0] if row else [None] * len(named))


def _drops(rollback_sql: str) -> Sequence[Drop]:
    try:
        return drops.lasting(rollback.parse(rollback_sql).down.statements)
    except FormatError:
        return ()


def _lost(found: Opened, one: Repair, change: Change) -> str | None:
    """Return the rollback SQL that the ledger loses with a change."""
    if one.row is None or change is NOTHING:
        return None
    before = stored.kept_sql(found.connection.raw, found.status.ledger, [one.at])[one.at]
    is_kept = isinstance(change, Replacement) and change.record.rollback_sql == before
    return None if is_kept else before


def _said(one: Repair, reason: str) -> list[str]:
    """Return what the event log keeps: what was found, what was, and why it was accepted."""
    row, entry = one.row, one.entry
    parts = [
        f"{one.why}: {one.change}",
        f"accepted: {reason}" if one.doubt else "",
        f"file before: {row.filename}" if row and entry and row.filename != entry.filename else "",
        f"checksum before: {row.checksum or 'none'}" if row else "",
    ]
    return [part for part in parts if part]
