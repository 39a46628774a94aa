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
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress

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
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
_watched: dict[int, OnTick] = {}
_one_at_a_time = threading.Lock()


@contextmanager
def watched(connection: Connection, on_tick: OnTick) -> Iterator[None]:
    """Watch a connection while a `with` block lasts.

    A signal cancels the statement that runs, at the server; the statement then fails as cancelled.

    Args:
        connection: the one whose statements may take long.
        on_tick: see `OnTick`; what it raises closes the connection.
    """
    with _one_at_a_time:
        if not _watched and get_wait_callback() is None:
            set_wait_callback(_wait)
        _watched[id(connection)] = on_tick
    try:
        yield
    finally:
        with _one_at_a_time:
            del _watched[id(connection)]
            if not _watched and get_wait_callback() is _wait:
                set_wait_callback(None)


@contextmanager
def bounded(connection: Connection, seconds: float) -> Iterator[None]:
    """End the connection when a statement takes longer than that, in a `with` block.

    A pooler accepts a client before it has a server for it, and keeps it waiting.

    Raises:
        psycopg2.OperationalError: when it does.
    """

    def on_tick(running: float) -> None:
        if running > seconds:
            raise psycopg2.OperationalError(f"{NO_ANSWER} within {seconds:g} s")

    with watched(connection, on_tick):
        yield


def interruptible(connect: Callable[[], Connection]) -> Connection:
    """Open a connection while signals are seen: libpq would sit through its whole timeout.

    Args:
        connect: opens it; is called in a thread of its own, and left there when a signal comes.

    Raises:
        Interrupted: when a signal comes.
        psycopg2.Error: what `connect` raises.
    """
    opening: Future[Connection] = Future()

    def run() -> None:
        try:
            opening.set_result(connect())
        except BaseException as error:  # noqa: BLE001 - it is raised again by result()
            opening.set_exception(error)

    with _suspended():
        threading.Thread(target=run, daemon=True).start()
        while not wait([opening], _TICK).done:
            if signals.received():
                opening.add_done_callback(_close)
                signals.check()
        return opening.result()


def _close(opening: Future[Connection]) -> None:
    if opening.exception() is None:
        opening.result().close()


@contextmanager
def _suspended() -> Iterator[None]:
    """Do without the callback: with one, connecting would not obey `connect_timeout`."""
    ours = get_wait_callback() is _wait
    if ours:
        set_wait_callback(None)
    try:
        yield
    finally:
        if ours:
            set_wait_callback(_wait)


def _cancel(connection: Connection) -> None:
    # The statement's own answer says whether it was in time.
    with suppress(psycopg2.Error):
        connection.cancel()


def _wait(connection: Connection) -> None:
    on_tick = _watched.get(id(connection))
    begin, cancelled = time.monotonic(), False
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        while not poller.poll(_TICK * 1000):
            if on_tick is None:
                continue
            if signals.received() and not cancelled:
                cancelled = True
                # libpq waits without limit for a server that has frozen.
                threading.Thread(target=_cancel, args=(connection,), daemon=True).start()
            on_tick(time.monotonic() - begin)
