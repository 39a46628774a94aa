"""A run on a terminal: a line for each migration, and below it what is going on now.

rich draws it, and is imported when there is something to draw: it takes a tenth of a second.
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from scripts.console import layout
from scripts.console.report import TextObserver, sent_line
from scripts.engine.reported import Direction, Planned, Running, Sent, StepResult, Waiting
from scripts.errors import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.progress import Progress, TaskID

_LINES = 8
"""How much of a statement is shown."""
_PER_SECOND = 8
"""How often the lines below are drawn."""
_QUICK = 0.2
"""Seconds: what takes no longer is not shown, since nobody could read it."""


class TerminalObserver(TextObserver):
    """Draws a run; a context manager, since the terminal has to be given back."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Draw nothing yet."""
        super().__init__(verbose=verbose)
        self._verbose = verbose
        self._console: Console | None = None
        self._live: Live | None = None
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._file = ""
        self._sent: Sent | None = None
        self._running = Running(0)
        self._waiting: Waiting | None = None
        self._began = 0.0
        self._drawing = threading.RLock()
        """Held until what is drawn has been written: rich lets go of its own lock before that, and
        a line printed meanwhile would leave a second bar on the screen."""
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="terminal", daemon=True)
        self._lines: list[str] = []
        """What is to be printed."""
        self._flushed = 0.0
        self._layout: list[str] | None = None
        """The statement, laid out when it has been running long enough to be read."""

    def __enter__(self) -> TerminalObserver:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back, without what moved."""
        self._flush()
        self._ended.set()
        if self._live:
            self._ticker.join()
            self._live.stop()

    def planned(self, environment: str, plan: Planned) -> None:
        """Begin to draw."""
        super().planned(environment, plan)
        bar = self._drawn()
        if bar:
            self._tasks[environment] = bar.add_task(environment, total=plan.migrations)

    def _drawn(self) -> Progress | None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
            )

            self._console = Console(highlight=False)
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._live = Live(
                console=self._console,
                get_renderable=self._view,
                auto_refresh=False,
                transient=True,
            )
            self._live.start()
            self._ticker.start()
        return self._bar

    def _tick(self) -> None:
        while not self._ended.wait(1 / _PER_SECOND):
            # Who runs the migration hears of an output that is full or closed.
            with self._drawing, suppress(OSError):
                if self._live:
                    self._live.refresh()

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Show which file is run."""
        verb = "applying" if direction is Direction.UP else "rolling back"
        self._file = f"{environment}: {verb} {filename}"
        self._sent, self._waiting, self._running = None, None, Running(0)
        self._began = time.monotonic()

    def sent(self, environment: str, sent: Sent) -> None:
        """Show which statement is run."""
        if self._verbose:
            self._print(sent_line(environment, sent))
        self._sent, self._waiting, self._running = sent, None, Running(0)
        self._layout = None
        self._began = time.monotonic()

    def running(self, environment: str, running: Running) -> None:  # noqa: ARG002 - there is one
        """Show how far it is."""
        self._flush()
        self._running = running
        if not running.waits:
            self._waiting = None

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Show who is in the way, and keep it among the lines: it may be what is looked for."""
        if self._waiting is None or self._waiting.blocked_by != waiting.blocked_by:
            self._print(f"{environment}: {waiting.text}")
        self._waiting = waiting

    def finished(self, result: StepResult) -> None:
        """Print what was done."""
        self._file, self._sent, self._waiting = "", None, None
        super().finished(result)
        if self._bar:
            self._bar.advance(self._tasks[result.environment])

    def notice(self, environment: str, text: str) -> None:
        """Print the line."""
        self._print(f"{environment}: {text}")

    def _print(self, line: str) -> None:
        """Print a line soon: each time that something is printed, all that moves is drawn anew."""
        with self._drawing:
            self._lines.append(printable(line))
        if time.monotonic() - self._flushed >= 1 / _PER_SECOND:
            self._flush()

    def _flush(self) -> None:
        with self._drawing:
            self._flushed = time.monotonic()
            lines, self._lines = self._lines, []
            if not lines:
                return
            if self._console:
                self._console.print("\n".join(lines), markup=False, emoji=False)
            else:
                layout.say("\n".join(lines))

    def _view(self) -> RenderableType:
        """Return what is drawn below the lines."""
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = []
        sent, seconds = self._sent, time.monotonic() - self._began
        if sent and seconds > _QUICK:
            place = f"{self._file}, line {sent.statement.line}, statement {sent.number}/{sent.of}"
            parts.append(Text(f"{place}, {seconds:.0f} s{self._phase()}", style="bold"))
            self._layout = self._layout or _laid_out(sent)
            parts += [Text(f"  {line}", style="dim") for line in self._layout]
        if self._waiting:
            parts += [Text(f"  {line}", style="yellow") for line in _in_the_way(self._waiting)]
        if self._bar:
            parts.append(self._bar)
        return Group(*parts)

    def _phase(self) -> str:
        phase, percent = self._running.phase, self._running.percent
        if not phase:
            return ""
        return f", {phase}" + ("" if percent is None else f" {percent:.0f} %")


def _in_the_way(waiting: Waiting) -> list[str]:
    """Return who is in the way, a line each; all of it has been printed above."""
    lines = [f"waits for {waiting.wants}, blocked by"]
    for one in waiting.blocked_by:
        who = ", ".join(str(one[key]) for key in ("user", "application", "state") if one.get(key))
        lines.append(printable(f"  pid {one['pid']}" + (f" ({who})" if who else "")))
    return lines


def _laid_out(sent: Sent) -> list[str]:
    """Return the first lines of a statement, none wider than the terminal."""
    lines = layout.statement(sent.statement).splitlines()
    width = shutil.get_terminal_size().columns - 4
    shown = [printable(one) for one in lines[:_LINES]]
    shown = [one if len(one) <= width else f"{one[: width - 1]}…" for one in shown]
    return [*shown, *(["…"] if len(lines) > _LINES else [])]
