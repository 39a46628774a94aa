"""Applies migrations: chooses, checks and runs them.

Mostly there is nothing to do: what runs migrations is imported when there is something.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from scripts.engine import boundary
from scripts.engine.operations import overview
from scripts.engine.safeguards import agreement, sharing
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files.history import Entry

if TYPE_CHECKING:
    from scripts.engine.observer import Observer
from scripts.engine.reported import StepResult


class Pending(NamedTuple):
    """What is to be applied to one database."""

    settings: Settings
    status: Status
    entries: tuple[Entry, ...]
    """The next one first; none where there is nothing to do."""

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to do; a file that was begun needs a look with the lock."""
        return not self.entries and not self.status.partial

    @property
    def target(self) -> str:
        """Return the version to go up to: what comes meanwhile is another run's."""
        return self.entries[-1].version if self.entries else self.status.current


def plan(
    databases: Sequence[Settings],
    notify: Notify,
    *,
    to: str | None = None,
    file: str | None = None,
    check_all: bool = False,
) -> list[Pending]:
    """Find out what is to be applied, after all the checks that a run makes.

    Args:
        databases: those to be brought up, in this order.
        notify: is told when a server keeps us waiting.
        to: the last version wanted, compared as a number; None for all.
        file: the name of the one file wanted instead, in the one database that is given.
        check_all: read the files of the first database, too, which its run will read anyway.

    Raises:
        HistoryError: when the files do not form one history.
        LedgerError: when the ledger does not fit them.
        UsageError: for a version or a file that does not come next, or a ledger that is shared.
        MigrationError: for a file that cannot be run; see `reading.upgrade`.
    """
    found = [overview.status(settings, notify) for settings in databases]
    sharing.check(found, databases[0].project.environments)
    planned = []
    for settings, status in zip(databases, found, strict=True):
        with _located(status):
            entries = _chosen(status, file) if file else _pending(status, to)
            planned.append(Pending(settings, status, entries))
    # Each run reads its own files first; those of a later database must not fail after that.
    busy = [one for one in planned if not one.is_idle]
    for one in busy if check_all else busy[1:]:
        with _located(one.status):
            _check_files(one.status, one.entries)
    return planned


def to(
    settings: Settings, version: str, observer: Observer, seen: Status | None = None
) -> tuple[StepResult, ...]:
    """Apply all pending migrations of a database up to a version.

    Args:
        settings: whose database.
        version: the last version, compared as a number; "head" for all.
        observer: is told what happens.
        seen: what `plan` has found; None to look.

    Returns:
        The migrations that were applied, in their order.

    Raises:
        MigrationError: when anything prevents the run; `state` says how far it got.
    """
    from scripts.engine.run import online
    from scripts.engine.run.command import Command, Kind
    from scripts.engine.run.online import Request

    command = Command(Kind.UPGRADE, version)
    request = Request(
        settings=settings, command=command, observer=observer, seen=seen, is_expected=True
    )
    return online.run(request)


def _located(status: Status) -> AbstractContextManager[None]:
    at = f"nothing was changed; {status.name} is at {status.current}"
    return boundary.located(status.name, at)


def _pending(status: Status, to: str | None) -> tuple[Entry, ...]:
    status.history.check()
    agreement.check_upgrade(status)
    if status.partial and all(one.failed for one in status.partial):
        from scripts.engine.safeguards import half_applied

        # Another run may be at work on one that has not: that shows once the lock is held.
        half_applied.check_upgrade(status)
    if to is None:
        return status.pending
    last = status.history.get(to)
    if status.applied and last.number < status.applied[-1].number:
        raise UsageError(
            f"{status.name} is at {status.current}, past {last.version}",
            hint=f"python scripts/rollback.py --database {status.name} --to {last.version}",
        )
    return tuple(entry for entry in status.pending if entry.number <= last.number)


def _chosen(status: Status, file: str) -> tuple[Entry, ...]:
    pending = _pending(status, None)
    names = [entry.filename for entry in pending]
    if file not in names:
        return ()
    position = names.index(file)
    if position:
        raise UsageError(
            f"{file} is not the next migration",
            detail="these come first:\n" + "\n".join(names[:position]),
            hint=f"apply those first, or all: python scripts/migrate.py --database "
            f"{status.name} --to {pending[position].version}",
        )
    return pending[:1]


def _check_files(status: Status, entries: Sequence[Entry]) -> None:
    from scripts.engine import reading
    from scripts.engine.safeguards import own_tables

    for entry in entries:
        own_tables.check(reading.upgrade(status, entry.version)[0], status.ledger)
