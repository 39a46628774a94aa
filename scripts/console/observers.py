"""Which observer a command has: JSON, a moving terminal, plain lines, or next to nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.console.report import JsonObserver, QuietObserver, TextObserver
from scripts.engine.observer import Observer


@contextmanager
def chosen(
    *, as_json: bool = False, quiet: bool = False, verbose: bool = False
) -> Iterator[Observer]:
    """Give the observer for a command, for a `with` block.

    Args:
        as_json: whether programs read it.
        quiet: whether only what goes wrong is shown.
        verbose: whether each statement is shown.
    """
    if as_json:
        yield JsonObserver(verbose=verbose)
    elif quiet:
        yield QuietObserver()
    elif _is_terminal():
        from scripts.console.terminal import TerminalObserver

        with TerminalObserver(verbose=verbose) as observer:
            yield observer
    else:
        yield TextObserver(verbose=verbose)


def _is_terminal() -> bool:
    """Tell whether standard output can show something that moves."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
