"""Runs pending migrations on the database that they are meant for, and takes all of it back.

All in one transaction, which is never committed: it takes the locks that the run would take, and
holds them until all have run. What must run outside a transaction cannot be tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import reading
from scripts.engine.observer import GuardedObserver, Observer
from scripts.engine.operations.upgrade import Pending
from scripts.engine.reported import Ended, StepResult
from scripts.engine.run import online
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.online import Request
from scripts.engine.session.run_connection import OwnSource
from scripts.errors import Interrupted, MigrationError
from scripts.files.history import Entry
from scripts.sqltext import duration
from scripts.sqltext.statements import Statement

_DEFERRED = """
SELECT string_agg(format('%I.%I', n.nspname, c.conname), ', ') FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred
"""
_OUTSIDE = "it runs outside a transaction"
_ENUM = "an enum value that was added can be used only when that is committed"


class Tried(NamedTuple):
    """What a trial has run."""

    results: tuple[StepResult, ...]
    """The migrations that ran, and were taken back."""
    left: tuple[Entry, ...]
    """Those that could not be tried."""
    reason: str = ""
    """Why the first of them could not."""


class _Source(OwnSource):
    """Gives a connection with an open transaction, which nobody commits."""

    in_caller_transaction = True
    takes_back = True

    def open(self) -> Connection:
        """Open it, and begin."""
        connection = super().open()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return connection

    @contextmanager
    def second(self) -> Iterator[Connection | None]:
        """Give another one for the lock against other runs."""
        with closing(super().open()) as other:
            yield other

    def end_step(self, connection: Connection) -> None:
        """Check what the commit of a step would: deferred constraints, which then wait again.

        https://www.postgresql.org/docs/current/sql-set-constraints.html
        """
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(_DEFERRED)
            (names,) = cursor.fetchone() or (None,)
            if names:
                cursor.execute(f"SET CONSTRAINTS {names} DEFERRED")

    def close(self, connection: Connection) -> None:
        """Take everything back."""
        if not connection.closed:
            connection.rollback()
        connection.close()


class _Observer(GuardedObserver):
    """Passes on what happens; nothing is applied, so nobody is told that it is."""

    def __init__(self, observer: Observer) -> None:
        """Pass on to that one."""
        super().__init__(observer)
        self._told = observer

    def finished(self, result: StepResult) -> None:
        """Say that it ran."""
        took = duration.text(result.duration_ms)
        self._told.notice(result.environment, f"{result.filename} ran ({took})")

    def ended(self, environment: str, end: Ended) -> None:
        """Say nothing: the end is that all is taken back."""


def run(pending: Pending, observer: Observer) -> Tried:
    """Try what is pending, as far as it can run in a transaction.

    Args:
        pending: what `upgrade.plan` has found.
        observer: is told what happens.

    Raises:
        MigrationError: when one fails, as the run would; nothing stays of it either.
    """
    entries, reason = _possible(pending)
    left = pending.entries[len(entries) :]
    if not entries:
        return Tried((), left, reason)
    settings, name = pending.settings, pending.status.name
    source = _Source(settings, lambda text: observer.notice(name, text))
    request = Request(
        settings=settings,
        command=Command(Kind.UPGRADE, entries[-1].version),
        observer=_Observer(observer),
        source=source,
    )
    try:
        return Tried(online.run(request), left, reason)
    except MigrationError as error:
        error.state = f"everything was taken back; {name} is at {pending.status.current}"
        error.run = ""  # the event log knows of none
        if isinstance(error, Interrupted):
            error.hint = "run it again: it begins anew"
        raise


def _possible(pending: Pending) -> tuple[Sequence[Entry], str]:
    """Return what can share a transaction, and why what follows cannot."""
    entries: list[Entry] = []
    for entry in pending.entries:
        step, _ = reading.upgrade(pending.status, entry.version)
        if not step.header.transactional:
            return entries, _OUTSIDE
        entries.append(entry)
        if any(_adds_a_value(one) for one in step.section.statements):
            return entries, _ENUM
    return entries, ""


def _adds_a_value(statement: Statement) -> bool:
    words = statement.words
    return words[:2] == ("ALTER", "TYPE") and "VALUE" in words and "ADD" in words
