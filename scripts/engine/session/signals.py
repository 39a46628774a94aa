"""SIGINT and SIGTERM as requests: a run ends at the next safe place, and says what its state is.

Python's own handlers would raise in the middle of anything, or end the process at once, and a
statement would go on at the server.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from scripts.errors import Interrupted, MigrationError

_SLICE = 0.1
"""Seconds: how late a signal may be seen in a pause."""
_DEFAULT = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
_received: list[int] = []


@contextmanager
def deferred() -> Iterator[None]:
    """Keep signals for `check` while a `with` block lasts.

    A second one ends the wait for the server. Handlers that an embedding program has set stay, and
    outside the main thread there is nothing to set. A signal that nobody saw is raised at the end.
    """
    previous = _install()
    try:
        yield
    except MigrationError:
        _received.clear()  # the error on its way says more
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if previous and _received:
            signal.raise_signal(_received.pop())


def received() -> int:
    """Return the number of the signal that came first; 0 when there was none."""
    return _received[0] if _received else 0


def check() -> None:
    """Stop here if a signal has come.

    Raises:
        Interrupted: with the exit code that shells expect.
    """
    if _received:
        raise Interrupted(_received[0])


def pause(seconds: float) -> None:
    """Sleep, unless a signal comes.

    Raises:
        Interrupted: when one does.
    """
    end = time.monotonic() + seconds
    check()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))
        check()


def _install() -> dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, _handle)
        for number, default in _DEFAULT.items()
        if signal.getsignal(number) is default
    }


def _handle(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    if len(_received) > 1:
        raise KeyboardInterrupt
