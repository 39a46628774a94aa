"""Applies migrations: which ones, checked, and run."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.engine import reading
from scripts.engine.observer import Observer
from scripts.engine.safeguards import agreement, half_applied, own_tables
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment, Project


def to_apply(found: Status, to: str | None) -> tuple[Entry, ...]:
    """Return the pending migrations up to a version, after all the checks that a run makes.

    Args:
        found: what `overview.look` returned.
        to: the last version wanted, compared as a number; None for all.

    Raises:
        HistoryError: when the files do not form one history.
        LedgerError: when the ledger does not fit them.
        UsageError: for a version that has no file, or that the database is already past.
    """
    history.read(found.history.environment)
    agreement.check_upgrade(found)
    half_applied.check_upgrade(found)
    if to is None:
        return found.pending
    last = found.history.get(to)
    if found.applied and last.number < found.applied[-1].number:
        raise UsageError(
            f"{found.name} is at {found.current}, past {last.version}",
            way_out=f"python scripts/rollback.py --database {found.name} --to {last.version}",
        )
    return tuple(entry for entry in found.pending if entry.number <= last.number)


def check_files(found: Status, entries: Sequence[Entry]) -> None:
    """Read and check the UP of pending migrations, as the run does before its first one.

    Raises:
        MigrationError: see `reading.upgrade` and `own_tables.check`.
    """
    for entry in entries:
        own_tables.check(found.name, reading.upgrade(found, entry.version)[0], found.ledger)


def run(project: Project, environment: Environment, version: str, observer: Observer) -> None:
    """Apply all pending migrations up to a version: `alembic -n … upgrade VERSION`.

    Raises:
        MigrationError: as the run does.
    """
    # Here and not above: a run that finds nothing to do has no need of it.
    from alembic import command

    from scripts.engine.alembic_commands import alembic_config

    command.upgrade(alembic_config.make(project, environment, observer), version)
