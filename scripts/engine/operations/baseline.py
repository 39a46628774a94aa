"""Brings in a database that something else has migrated: the ledger is written, nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import boundary, disclosure, reading
from scripts.engine import status as status_module
from scripts.engine.ledger import earlier
from scripts.engine.ledger.earlier import KEPT_SUFFIX, EarlierLedger
from scripts.engine.ledger.table import qualified
from scripts.engine.observer import Observer
from scripts.engine.operations import overview, takeover
from scripts.engine.operations.takeover import Mismatch
from scripts.engine.run import online
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.online import Request
from scripts.engine.session import database, waiting
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings, TableName
from scripts.engine.status import Status
from scripts.errors import LedgerError, UsageError
from scripts.files import history
from scripts.files.history import Entry


class Wanted(NamedTuple):
    """Which baseline is asked for."""

    at: str | None
    """The last version that the database has; None takes what an earlier tool has noted."""
    source: TableName | None = None
    """The earlier tool's ledger, where it has another name than ours."""


class Baseline(NamedTuple):
    """What will be written."""

    entries: tuple[Entry, ...]
    table: TableName
    """The ledger."""
    earlier: EarlierLedger | None
    """What is taken over."""
    mismatches: tuple[Mismatch, ...]
    """Where the files may not be what was applied, by what is taken over."""

    @property
    def versions(self) -> list[str]:
        """Return the versions, the first one first."""
        return [one.version for one in self.entries]

    @property
    def kept(self) -> TableName | None:
        """Return the name that an earlier ledger gets which has ours."""
        return kept(self.table) if self.earlier and self.earlier.table == self.table else None


def kept(ledger: TableName) -> TableName:
    """Return what a table is called that had a ledger's name before the ledger."""
    return ledger._replace(name=f"{ledger.name}{KEPT_SUFFIX}")


def plan(settings: Settings, wanted: Wanted, notify: Notify) -> Baseline:
    """Find out what a baseline would write; changes nothing.

    Args:
        settings: whose database.
        wanted: which baseline.
        notify: is told when the server keeps us waiting.

    Raises:
        LedgerError: when the database has a ledger of ours with rows, or Alembic's version; or
            when an earlier ledger and the files are not the same history.
        HistoryError: when there is no such version, or the files are no history.
        UsageError: when there is nothing that says which version the database has.
    """
    files = history.read(settings.environment)
    tell = overview.named(notify, settings)
    with (
        boundary.located(settings.name, "nothing was changed"),
        database.connection(settings, tell) as connection,
    ):
        found = status_module.read(connection, settings, files, takes_over=True)
        return _planned(connection, found, wanted)


def _planned(connection: Connection, found: Status, wanted: Wanted) -> Baseline:
    if found.applied or found.alembic_heads:
        now = found.current if found.applied else ", ".join(found.alembic_heads)
        raise LedgerError(
            f"the database has a ledger already, and is at {now}",
            state="nothing was changed",
            hint=f"`python scripts/validate.py --live --database {found.name}` compares it",
        )
    own = found.ledger
    before = _earlier(connection, found, wanted)
    if before:
        if before.table == own.table:
            _check_free(connection, kept(own.table))
        entries = takeover.entries(before, found.history, wanted.at)
        return Baseline(entries, own.table, before, tuple(takeover.mismatches(before, entries)))
    if wanted.at is None:
        raise UsageError(
            "--at is missing: there is no ledger of an earlier tool that says it",
            hint="give the last migration whose effect the database has",
        )
    last = found.history.find(wanted.at)
    if last is None:
        raise takeover.unknown(wanted.at)
    entries = tuple(one for one in found.history.entries if one.number <= last.number)
    return Baseline(entries, own.table, None, ())


def _check_free(connection: Connection, name: TableName) -> None:
    with connection.cursor() as cursor:
        quoted = qualified(name.schema, name.name).as_string(connection)
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (quoted,))
        if cursor.fetchone() == (True,):
            raise LedgerError(
                f"{name} is there already, so an earlier ledger cannot get that name",
                state="nothing was changed",
                hint="rename it, or drop it if nobody needs it",
            )


def _earlier(connection: Connection, found: Status, wanted: Wanted) -> EarlierLedger | None:
    own = found.ledger
    # An empty ledger of ours is what a first run leaves that failed.
    in_the_way = None if own.exists else _read(connection, own.table)
    if wanted.source is None:
        return in_the_way
    read = _read(connection, wanted.source)
    if read is None:
        raise UsageError(f"there is no table {wanted.source}", hint="check --from")
    if in_the_way and in_the_way.table != read.table:
        raise LedgerError(
            f"{own.table} is the ledger of another tool, and in the way",
            detail=f"{in_the_way}",
            state="nothing was changed",
            hint="rename it, or set MIGRATION_TABLE to another name",
        )
    return read


def _read(connection: Connection, table: TableName) -> EarlierLedger | None:
    try:
        return earlier.read(connection, table)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise LedgerError(
            f"this user may not read {table}",
            detail=disclosure.of_error(error),
            state="nothing was changed",
            hint="GRANT SELECT on it",
        ) from error


def to(settings: Settings, planned: Baseline, observer: Observer, accepted: str = "") -> None:
    """Write ledger, Alembic's version and event log, as if the migrations had been run.

    Nothing counts as having existed before: a later rollback undoes all that their DOWNs name.
    An earlier ledger that has our name is renamed, in the same transaction; nothing of it is lost.

    Args:
        settings: whose database.
        planned: what to write.
        observer: is told what is worth a line.
        accepted: why differences from what the migrations make do not matter; it is recorded.

    Raises:
        LedgerError: when the database is not as it was planned for.
        MigrationError: when anything else prevents it; nothing was changed then.
    """
    before = planned.earlier
    at = None if before else planned.versions[-1]
    wanted = Wanted(at, before.table if before and not planned.kept else None)
    request = Request(settings, Command(Kind.BASELINE, planned.versions[-1]), observer)
    with online.opened(request) as found:
        drive, connection = found.drive(request), found.connection
        recorder = drive.executor.recorder
        with drive.noted(), waiting.unbounded(connection.raw, drive.executor.on_tick):
            records = [reading.applied(found.status, version) for version in planned.versions]
            with connection.transaction():
                if planned.kept:
                    recorder.hold(planned.table)
                _check_same(_planned(connection.raw, found.status, wanted), planned)
                if planned.kept:
                    recorder.rename(planned.table, planned.kept)
                recorder.create_ledger()
                recorder.baseline(records, _times(before), _said(planned, accepted))
                drive.executor.log.require()


def _check_same(now: Baseline, planned: Baseline) -> None:
    if now != planned:
        raise LedgerError(
            "the ledger was changed since it was read",
            detail=f"now: {now.earlier or now.table}",
            state="nothing was changed",
            hint="see that the earlier tool is not at work, then run the command again",
        )


def _times(before: EarlierLedger | None) -> dict[int, object]:
    rows = before.rows if before else ()
    return {one.number: one.applied_at for one in rows if one.applied_at}


def _said(planned: Baseline, accepted: str) -> str:
    """Return what the event log keeps besides the version."""
    parts: Sequence[str] = (
        accepted,
        f"taken over from {planned.earlier}" if planned.earlier else "",
        f"which is {planned.kept} now" if planned.kept else "",
    )
    return "\n".join(part for part in parts if part)
