"""A shadow database, on which sections run as a run of migrations runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
from psycopg2.sql import Composable

from scripts.catalog import queries, snapshot
from scripts.catalog.probe import Probe
from scripts.catalog.record import Key, Record
from scripts.catalog.snapshot import Snapshot
from scripts.checks.shadow import locks, shared
from scripts.checks.shadow.locks import LockWatch, Seen
from scripts.checks.shadow.shared import SCHEMA, Shared
from scripts.engine import disclosure, reading
from scripts.engine.execution.server import ServerExecutor
from scripts.engine.ledger import lookup
from scripts.engine.objects import existing
from scripts.engine.objects.existing import Existing
from scripts.engine.observer import SilentObserver
from scripts.engine.session import waiting
from scripts.engine.session.run_connection import OwnSource, RunConnection
from scripts.engine.settings import Settings, TableName
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import Interrupted, MigrationError, StatementError
from scripts.files.history import History

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_LACKING = ("0A000", "58P01")


class Failed(NamedTuple):
    """Why a section could not be run."""

    reason: str
    line: int
    """Of the file; 0 if it is no statement's."""
    detail: str
    is_lacking: bool = False
    """Whether the server has not what is asked for: an extension."""


class Outcome(NamedTuple):
    """What a section has left."""

    failed: Failed | None
    existed: tuple[Existing, ...] = ()
    """Objects that were there before UP, of those that its DOWN drops."""
    locks: tuple[Seen, ...] = ()
    """What it did to tables, where that was watched."""


class Stage:
    """Runs sections on a database that is nobody else's."""

    def __init__(self, settings: Settings, files: History, *, owns_server: bool) -> None:
        """Open it, and make what a run needs: ledger and event log.

        Args:
            settings: whose URL is that of the shadow database.
            files: the environment's.
            owns_server: whether nobody else changes what is beside the database.

        Raises:
            ServerError: when the database cannot be reached.
        """
        table = TableName(SCHEMA, settings.ledger.name)
        settings = settings._replace(ledger=table, direct_url="")
        self._owns_server = owns_server
        self._connection = RunConnection(settings, OwnSource(settings, _ignore), _ignore)
        with self._connection.transaction():
            ledger = lookup.find(self._connection.raw, settings.ledger)
            self.status = Status(files, ledger.created(), (), ())
            self._locks = LockWatch(self._connection)
            executor = ServerExecutor(
                self._connection,
                Status(files, ledger, (), ()),
                None,
                SilentObserver(),
                self._locks,
            )
            executor.recorder.create_ledger()
            executor.log.prepare(self._connection.execute)
        self._executor = executor
        self._probe = Probe(self._connection.raw, _is_a_migrations)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def catalog(self) -> Snapshot:
        """Take a snapshot, of the open transaction if there is one."""
        with self._connection.transaction():
            return self._probe.take()

    def keys(self, classes: Iterable[str]) -> set[Key]:
        """Return what the queries of some classes give."""
        with self._connection.transaction(), snapshot.reading(self._connection.raw):
            return {
                record.key
                for name in classes
                for record in snapshot.rows(self._connection.raw, queries.every()[name])
            }

    def tables(self) -> dict[int, str]:
        """Return the names of the tables that there are now, by oid."""
        return locks.names(self._connection)

    def owner(self) -> tuple[str, str]:
        """Return whose the objects are that migrations make, and that with the quotes it needs."""
        with self._connection.transaction():
            row = self._connection.execute("SELECT current_user::text, quote_ident(current_user)")
        return (row[0], row[1]) if row else ("", "")

    def shared(self) -> Shared:
        """Return what is on the server beside the database; nothing where others may change it."""
        if not self._owns_server:
            return {}
        with self._connection.transaction():
            return shared.read(self._connection.raw)

    @contextmanager
    def run(self, step: Step, *, watched: bool = False) -> Iterator[Outcome]:
        """Run a section; for a `with` block that decides whether it stays: see `keep`.

        A section in a transaction is undone after the block unless it is kept. One outside a
        transaction has taken effect.

        Args:
            step: the section.
            watched: whether to look what its statements lock, where it runs in a transaction.
        """
        self._locks.turn(on=watched)
        try:
            yield self._outcome(step)
        finally:
            self._connection.rollback()

    def _outcome(self, step: Step) -> Outcome:
        try:
            with waiting.unbounded(self._connection.raw):
                performed = self._executor.run(step)
        except Interrupted:
            raise
        except MigrationError as error:
            self._connection.rollback()
            return Outcome(_failed(error, step), locks=tuple(self._locks.found))
        existed = self._existed(performed.existed)
        return Outcome(None, existed, tuple(self._locks.found))

    def forward(self, versions: Iterable[str]) -> tuple[Step, Failed] | None:
        """Run the UPs of versions, in this order; return the first that fails, and why.

        Raises:
            MigrationError: when a file is not in the format.
        """
        for version in versions:
            step, _ = reading.upgrade(self.status, version)
            with self.run(step) as outcome:
                failed = outcome.failed or self.keep()
            if failed:
                return step, failed
        return None

    def keep(self) -> Failed | None:
        """Commit what was run; return why that failed, as deferred constraints may have it."""
        try:
            with waiting.unbounded(self._connection.raw):
                self._connection.commit()
        except psycopg2.Error as error:
            self._connection.rollback()
            headline, _, detail = disclosure.of_error(error).partition("\n")
            return Failed(f"at its commit, {headline}", 0, _without_way(detail))
        return None

    def _existed(self, found: Composable) -> tuple[Existing, ...]:
        if found in (existing.NOTHING, existing.NOBODY_LOOKED):
            return ()
        query = f"SELECT {found.as_string(self._connection.raw)}"
        row = self._connection.execute(query)
        return existing.parse(row[0] if row else None)


def _failed(error: MigrationError, step: Step) -> Failed:
    if not isinstance(error, StatementError):
        return Failed(error.what, 0, _without_way(error.detail))
    statement = step.section.statements[error.ran]
    lacks = statement.words[:2] == ("CREATE", "EXTENSION") and error.sqlstate in _LACKING
    return Failed(error.what, error.line or 0, _without_way(error.detail), lacks)


def _without_way(detail: str) -> str:
    """Leave out how a run shows values: a check does not."""
    return "\n".join(line for line in detail.splitlines() if line != disclosure.HOW_TO_SEE)


def _is_a_migrations(record: Record) -> bool:
    own = f"{SCHEMA}."
    return not (record.name == SCHEMA or record.name.startswith(own) or own in record.parent)


def _ignore(_: str) -> None:
    """Say nothing: what a run would say is not a finding."""
