"""While a statement runs on the server: notices signals, and looks for blocking sessions.

psycopg2 sits in libpq while a statement runs, and Python with it, unless a wait callback is set:
https://www.psycopg.org/docs/advanced.html#support-for-coroutine-libraries. The callback is one for
all connections of a process; those that are not watched are served by it as well, but for COPY,
which psycopg2 refuses then.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import (
    POLL_OK,
    POLL_READ,
    POLL_WRITE,
    get_wait_callback,
    set_wait_callback,
)
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.session import signals

OnTick = Callable[[float], None]
"""Is called repeatedly while a statement runs, with the seconds since it was sent."""

NO_ANSWER = "no answer to a query"
_TICK = 0.1
"""Seconds between two looks at the clock and at signals."""
PATIENCE = 60.0
"""Seconds that a query of our own may take, beside its waits for locks: none should."""
_GRACE = 3.0
"""Seconds that a server has to answer after a signal; one that has frozen never does."""
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
_one_at_a_time = threading.Lock()


class _Watch(NamedTuple):
    """How a connection is waited for."""

    limit_s: float | None = PATIENCE
    """Seconds until it counts as lost; None waits as long as it takes."""
    on_tick: OnTick | None = None
    cancels: bool = False
    """Whether a signal cancels the statement; else it is let end, as what notes why a run ends."""


_DEFAULT = _Watch()
_watches: dict[int, _Watch] = {}
_meanwhile: dict[int, Callable[[], None]] = {}
_users = _suspensions = 0


@contextmanager
def installed() -> Iterator[None]:
    """Wait for all connections of the process here, while a `with` block lasts.

    Signals are seen then, and no wait is without end: a server that has frozen, or a network that
    is half open, does not answer, and TCP says nothing of it.
    """
    _install(1)
    try:
        yield
    finally:
        _install(-1)


def _install(change: int, suspend: int = 0) -> None:
    """Count who needs the callback, and who cannot have it; set it, or take it away."""
    global _users, _suspensions
    with _one_at_a_time:
        _users += change
        _suspensions += suspend
        wanted = _users and not _suspensions
        if wanted and get_wait_callback() is None:
            set_wait_callback(_wait)
        elif not wanted and get_wait_callback() is _wait:
            set_wait_callback(None)


@contextmanager
def unbounded(connection: Connection, on_tick: OnTick | None = None) -> Iterator[None]:
    """Let a connection's statements take as long as they take, in a `with` block.

    A signal cancels the one that runs, at the server; it then fails as cancelled.

    Args:
        connection: whose statements may take long: those of migrations, and their commits.
        on_tick: see `OnTick`; what it raises closes the connection.
    """
    with _watched(connection, _Watch(None, on_tick, cancels=True)):
        yield


@contextmanager
def bounded(connection: Connection, seconds: float) -> Iterator[None]:
    """End the connection when a statement takes longer than that, in a `with` block.

    A pooler accepts a client before it has a server for it, and keeps it waiting.

    Raises:
        psycopg2.OperationalError: when it does.
    """
    with _watched(connection, _Watch(seconds)):
        yield


@contextmanager
def meanwhile(connection: Connection, do: Callable[[], None]) -> Iterator[None]:
    """Do something else while a connection's first query of a `with` block is under way.

    `do` is called once that has been sent; it may use another connection, and must not raise.
    """
    _meanwhile[id(connection)] = do
    try:
        yield
    finally:
        _meanwhile.pop(id(connection), None)


@contextmanager
def _watched(connection: Connection, watch: _Watch) -> Iterator[None]:
    before = _watches.get(id(connection))
    with installed():
        _watches[id(connection)] = watch
        try:
            yield
        finally:
            if before:
                _watches[id(connection)] = before
            else:
                del _watches[id(connection)]


def interruptible(connect: Callable[[], Connection]) -> Connection:
    """Open a connection while signals are seen: libpq would sit through its whole timeout.

    Args:
        connect: opens it; is called in a thread of its own, and left there when a signal comes.

    Raises:
        Interrupted: when a signal comes.
        psycopg2.Error: what `connect` raises.
    """
    opening = _Opening(connect)
    with _suspended():
        threading.Thread(target=opening.run, daemon=True).start()
        while not opening.ended.wait(_TICK):
            if signals.received():
                opening.abandon()
                signals.check()
        return opening.result()


class _Opening:
    """A connection that is being opened in a thread."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.ended = threading.Event()
        self._connect = connect
        self._opened: Connection | None = None
        self._error: BaseException | None = None
        self._is_wanted = True
        self._one_at_a_time = threading.Lock()

    def run(self) -> None:
        """Open it; close it at once where nobody wants it any more."""
        try:
            opened = self._connect()
        except BaseException as error:  # noqa: BLE001 - it is raised again by result()
            self._error = error
        else:
            with self._one_at_a_time:
                self._opened = opened
                if not self._is_wanted:
                    opened.close()
        self.ended.set()

    def abandon(self) -> None:
        """Have it closed as soon as it is open."""
        with self._one_at_a_time:
            self._is_wanted = False
            if self._opened:
                self._opened.close()

    def result(self) -> Connection:
        """Return the connection, or raise why there is none."""
        if self._error:
            raise self._error
        if self._opened is None:
            raise AssertionError("the connection is still being opened")
        return self._opened


@contextmanager
def _suspended() -> Iterator[None]:
    """Do without the callback: with one, connecting would not obey `connect_timeout`."""
    _install(0, suspend=1)
    try:
        yield
    finally:
        _install(0, suspend=-1)


def _cancel(connection: Connection) -> None:
    # The statement's own answer says whether it was in time.
    with suppress(psycopg2.Error):
        connection.cancel()


def _wait(connection: Connection) -> None:
    watch = _watches.get(id(connection), _DEFAULT)
    begin, interrupted = time.monotonic(), 0.0
    while (state := connection.poll()) != POLL_OK:
        if do := _meanwhile.pop(id(connection), None):
            do()
            continue
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        while not poller.poll(_TICK * 1000):
            interrupted = _tick(connection, watch, begin, interrupted)


def _tick(connection: Connection, watch: _Watch, begin: float, interrupted: float) -> float:
    """Look at signals and the clock; return when a signal was first seen, 0.0 for none.

    Raises:
        psycopg2.OperationalError: when the server has been silent for too long.
    """
    now = time.monotonic()
    if signals.received() and not interrupted:
        interrupted = now
        if watch.cancels:
            # libpq waits without limit for a server that has frozen.
            threading.Thread(target=_cancel, args=(connection,), daemon=True).start()
    if interrupted and now - interrupted > _GRACE:
        raise psycopg2.OperationalError(f"{NO_ANSWER} within {_GRACE:g} s of a signal")
    if watch.limit_s and now - begin > watch.limit_s:
        raise psycopg2.OperationalError(f"{NO_ANSWER} within {watch.limit_s:g} s")
    if watch.on_tick:
        watch.on_tick(now - begin)
    return interrupted
