"""The rows of the benchmark's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.tools.measuring import Spread, Taken, ratio


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    work: str
    ours: str
    against: str
    ratio: str
    goal: str

    def __str__(self) -> str:
        """Return it as a row of Markdown."""
        return f"| {self.work} | {self.ours} | {self.against} | {self.ratio} | {self.goal} |"


def of_floor(work: str, ours: Sequence[Taken], floors: Sequence[Taken], goal: str) -> Figure:
    """Return a row about CPU time, as a multiple of the floor."""
    cpu, floor = [one.cpu for one in ours], [one.cpu for one in floors]
    return Figure(
        work,
        f"{Spread.of(cpu):.3f} s CPU",
        f"floor {Spread.of(floor):.3f} s",
        f"{ratio(cpu, floor):.1f}",
        goal,
    )


def of_wall(
    work: str, ours: Sequence[Taken], theirs: Sequence[Taken], name: str, goal: str
) -> Figure:
    """Return a row about wall time, against what another did."""
    mine, other = [one.wall for one in ours], [one.wall for one in theirs]
    return Figure(
        work,
        f"{Spread.of(mine):.2f} s",
        f"{name} {Spread.of(other):.2f} s",
        f"{ratio(mine, other):.2f}",
        goal,
    )
