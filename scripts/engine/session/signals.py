"""Signals as requests: a run ends at the next safe place, and says what its state is.

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
_DEFAULT = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""Whose handlers are ours to replace: where `nohup` has SIGHUP ignored, it stays so."""
_FORCED_AFTER = 5.0
"""Seconds after which another signal ends the run wherever it is: it should be gone by then."""
_received: list[int] = []
_first_at = 0.0


@contextmanager
def deferred() -> Iterator[None]:
    """Keep signals for `check` while a `with` block lasts.

    Another one soon after means the same one. Handlers that an embedding program has set stay, and
    outside the main thread there is nothing to set. A signal that nobody saw is raised at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # what has come is for all threads, and the main one forgets it
        return
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
            first = _received[0]
            _received.clear()
            signal.raise_signal(first)


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
    return {
        number: signal.signal(number, _handle)
        for number, default in _DEFAULT.items()
        if signal.getsignal(number) is default
    }


def _handle(number: int, _frame: FrameType | None) -> None:
    global _first_at
    if not _received:
        _first_at = time.monotonic()
    _received.append(number)
    if time.monotonic() - _first_at > _FORCED_AFTER:
        raise KeyboardInterrupt
