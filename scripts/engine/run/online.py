"""A run against a database: connect, read, lock, read again, and only then take the steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import psycopg2

from scripts.engine import boundary, disclosure, status
from scripts.engine.observer import GuardedObserver, Observer
from scripts.engine.reported import StepResult
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.drive import Drive
from scripts.engine.safeguards import sharing
from scripts.engine.session import lock, signals, waiting
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import OwnSource, RunConnection, Source
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.errors import MigrationError, ServerError, printable
from scripts.files import history
from scripts.files.history import History

_LOCK_TRIES = 5


class Request(NamedTuple):
    """What a run is to do, and for whom."""

    settings: Settings
    command: Command
    observer: Observer
    switches: Switches = NO_SWITCHES
    source: Source | None = None
    """Where connections come from; None to open them according to the settings."""
    seen: Status | None = None
    """What was found when the run was planned; None to look before the lock is taken."""
    is_expected: bool = False
    """Whether people know that there was something to do: if there is nothing, they are told."""


class Opened(NamedTuple):
    """A run that is connected, holds the lock if it has anything to do, and knows the status."""

    connection: RunConnection
    status: Status
    before: str
    """The version that the database was at before the wait for another run."""
    lock: Lock | None
    idle: bool
    """Whether there was nothing to do, so that no lock was taken."""
    observer: GuardedObserver

    def drive(self, request: Request) -> Drive:
        """Put the parts of the run together."""
        return Drive(
            connection=self.connection,
            status=self.status,
            lock=self.lock,
            observer=self.observer,
            switches=request.switches,
        )


def run(request: Request) -> tuple[StepResult, ...]:
    """Run an upgrade or a downgrade.

    Returns:
        The migrations that were applied or rolled back, in that order.

    Raises:
        MigrationError: when anything prevents the run; `state` says how far it got.
    """
    with opened(request) as found:
        drive = found.drive(request)
        drive.run(request.command, before=found.before, idle=found.idle)
        return tuple(drive.results)


@contextmanager
def opened(request: Request) -> Iterator[Opened]:
    """Connect, read, take the lock if there is anything to do, and read again; for a `with` block.

    Raises:
        MigrationError: when what was found prevents the command.
    """
    command, settings = request.command, request.settings
    observer = GuardedObserver(request.observer)

    def notify(text: str) -> None:
        observer.notice(settings.name, printable(text))

    source = request.source or OwnSource(settings, notify)
    with (
        boundary.located(settings.name, "nothing was changed"),
        signals.deferred(),
        waiting.installed(),
        closing(RunConnection(settings, source, notify)) as connection,
    ):
        seen = request.seen
        entries = seen.history if seen else history.survey(settings.environment)[0]
        command.check_files(entries)
        takes_over = command.kind is Kind.BASELINE
        # What was found to be done is looked at again with the lock; what was not, is so at once.
        found = seen
        if found is None or command.is_idle(found):
            found = look(connection, entries, takes_over=takes_over)
        before = found.current
        command.check_writable(found)
        idle = request.switches.partial is None and command.is_idle(found)
        with nullcontext() if idle else _held(connection, found, observer) as held:
            if held:
                connection.require_room()
                # The previous holder of the lock may have changed everything.
                found = look(connection, entries, takes_over=takes_over)
                command.check_writable(found)
            if command.kind is not Kind.INSPECT:
                sharing.check_owner(found, settings.project.environments)
            for remark in found.remarks:
                notify(remark)
            command.prepare(found, idle=idle)
            if (held or request.is_expected) and command.is_idle(found):
                notify(f"nothing is left to do, at {found.current}")
            yield Opened(
                connection=connection,
                status=found,
                before=before,
                lock=held,
                idle=idle,
                observer=observer,
            )


def look(connection: RunConnection, entries: History, *, takes_over: bool = False) -> Status:
    """Read the status, see `status.read`; the transaction that this begins ends with it.

    If the connection was ended during the wait for another run, a new one is opened.
    """
    try:
        return _read(connection, entries, takes_over=takes_over)
    except (psycopg2.Error, MigrationError):
        if not connection.reopen():
            raise
    return _read(connection, entries, takes_over=takes_over)


def _read(connection: RunConnection, entries: History, *, takes_over: bool) -> Status:
    with connection.patiently(), connection.transaction():
        settings = connection.settings
        return status.read(connection.raw, settings, entries, takes_over=takes_over)


@contextmanager
def _held(connection: RunConnection, found: Status, observer: Observer) -> Iterator[Lock | None]:
    """Hold the database's lock on a second connection.

    If the server goes away during the wait for another run, this waits for the server as well.
    """
    table, settings = found.ledger.table, connection.settings
    tell = partial(observer.waiting, settings.name)
    wait_ms, patience_s = settings.lock_wait_ms, settings.connect_timeout_ms / 1000
    for left in reversed(range(_LOCK_TRIES)):
        with ExitStack() as stack:
            second = stack.enter_context(connection.second())
            try:
                held = (
                    stack.enter_context(lock.held(second, table, wait_ms, patience_s, tell))
                    if second
                    else None
                )
            except psycopg2.Error as error:
                signals.check()
                if not left:
                    raise _lock_failed(found, error) from error
                reason = disclosure.of_error(error)
                connection.notify(f"the connection that waits for the lock failed: {reason}")
                continue
            yield held
            return


def _lock_failed(found: Status, error: psycopg2.Error) -> ServerError:
    return ServerError(
        "the connection that waits for the lock keeps failing",
        detail=disclosure.of_error(error),
        state=f"nothing was changed; {found.name} is at {found.current}",
    )
