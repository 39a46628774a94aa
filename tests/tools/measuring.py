"""Times whole processes: wall time, CPU time of the client, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, of the process and those that it waited for."""
    memory: float
    """Peak, in megabytes."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The smallest, the middle and the largest of several figures."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of figures; there is at least one."""
        return cls(min(figures), statistics.median(figures), max(figures))

    def __format__(self, spec: str) -> str:
        """Return it as `1.10 (1.05-1.20)`."""
        return f"{self.median:{spec}} ({self.least:{spec}}-{self.most:{spec}})"


def run(command: Command, root: Path, **variables: str) -> Taken:
    """Run a process to its end.

    Args:
        command: what to run; it must succeed.
        root: where it stands.
        variables: of its environment, besides those of this process.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=root,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}")
    wall = time.perf_counter() - begin
    return Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def in_turns(rounds: int, *works: Callable[[], Taken]) -> list[list[Taken]]:
    """Run works one after the other, again and again: what slows the machine slows all of them.

    Returns:
        For each work, what its runs took.
    """
    taken = [[work() for work in works] for _ in range(rounds)]
    return [list(column) for column in zip(*taken, strict=True)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return how many times as much ours took, pair by pair."""
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])
