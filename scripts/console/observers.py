"""Which observer a command has: JSON, a moving terminal, plain lines, or next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.console import report
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
    elif report.can_redraw():
        from scripts.console.terminal import TerminalObserver

        with TerminalObserver(verbose=verbose) as observer:
            yield observer
    else:
        yield TextObserver(verbose=verbose)
