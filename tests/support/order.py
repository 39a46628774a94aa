"""The order of the tests: whoever begins with the long ones waits for none of them at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

LONG = (
    "test_model.py",
    "test_kill.py",
    "test_releases.py",
    "test_interruptions.py",
    "test_surroundings.py",
)
"""The modules whose tests are long, the longest first."""
T = TypeVar("T")


def dealt(tests: Sequence[T], module: Callable[[T], str], workers: int) -> list[T]:
    """Deal the long tests to the workers, each of which begins with its own.

    `--dist worksteal` gives each worker one part of the list, to run in its order; what is stolen
    from a worker later is taken from the end of its part.

    Args:
        tests: all tests.
        module: tells the file name of a test's module.
        workers: how many there are.
    """
    long = [test for name in LONG for test in tests if module(test) == name]
    rest = [test for test in tests if module(test) not in LONG]
    ordered: list[T] = []
    for worker in range(workers):
        part = (len(tests) - len(ordered)) // (workers - worker)
        own = long[worker::workers]
        others = max(0, part - len(own))
        ordered += [*own, *rest[:others]]
        del rest[:others]
    return ordered + rest
