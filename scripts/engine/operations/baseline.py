"""Brings in a database that something else has migrated: the ledger is written, nothing is run."""

from __future__ import annotations

from scripts.engine import reading
from scripts.engine.observer import Observer
from scripts.engine.run import online
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.online import Request
from scripts.engine.session import waiting
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import HistoryError, LedgerError
from scripts.files.history import Entry


def versions(found: Status, at: str) -> tuple[Entry, ...]:
    """Return the migrations that a database is said to have.

    Args:
        found: its files and its ledger, which has to be empty.
        at: the last of them, compared as a number.

    Raises:
        LedgerError: when the database has a ledger with rows, or Alembic's version.
        HistoryError: when there is no such version.
    """
    if found.applied or found.alembic_heads:
        now = found.current if found.applied else ", ".join(found.alembic_heads)
        raise LedgerError(
            f"the database has a ledger already, and is at {now}",
            state="nothing was changed",
            hint=f"`python scripts/validate.py --live --database {found.name}` compares it",
        )
    last = found.history.find(at)
    if last is None:
        raise HistoryError(f"there is no migration {at}", hint="give the number of a file in sql/")
    return tuple(one for one in found.history.entries if one.number <= last.number)


def to(settings: Settings, at: str, observer: Observer, accepted: str = "") -> tuple[Entry, ...]:
    """Write ledger, Alembic's version and event log, as if the migrations had been run.

    Nothing counts as having existed before: a later rollback undoes all that their DOWNs name.

    Args:
        settings: whose database.
        at: the last version that the database has.
        observer: is told what is worth a line.
        accepted: why differences from what the migrations make do not matter; it is recorded.

    Returns:
        What was written.

    Raises:
        MigrationError: when anything prevents it; nothing was changed then.
    """
    request = Request(settings, Command(Kind.STAMP, at), observer)
    with online.opened(request) as found:
        drive, connection = found.drive(request), found.connection
        with drive.noted(), waiting.unbounded(connection.raw, drive.executor.on_tick):
            entries = versions(found.status, at)
            records = [reading.applied(found.status, entry.version) for entry in entries]
            with connection.transaction():
                drive.executor.recorder.create_ledger()
                drive.executor.recorder.baseline(records, entries[-1].version, accepted)
    return entries
