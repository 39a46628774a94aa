"""How far a proof is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scripts.console import report

if TYPE_CHECKING:
    from scripts.checks.shadow.suite import Progress

_EVERY = 10.0
"""Seconds between two lines: a log shows that there is life, that of a short run is empty."""


@contextmanager
def shown() -> Iterator[Progress]:
    """Show the progress of a proof for a `with` block, on standard error."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    # rich takes a tenth of a second to import.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn())
    counts = (MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, *counts, console=Console(stderr=True), transient=True) as bar:
        tasks = {}

        def show(environment: str, done: int, total: int) -> None:
            if environment not in tasks:
                tasks[environment] = bar.add_task(environment, total=total)
            bar.update(tasks[environment], completed=done)

        yield show


class _Lines:
    """Says where it is when nothing was said for a while."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, environment: str, done: int, total: int) -> None:
        if time.monotonic() - self._said >= _EVERY:
            report.say(f"{environment}: {done} of {total} migrations were run on the shadow")
            self._said = time.monotonic()
