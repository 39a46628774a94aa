"""What the tests of a run's parts begin with."""

from __future__ import annotations

import pytest

from scripts.files.project import Environment
from tests.support.states import write


@pytest.fixture
def three(course: Environment) -> Environment:
    """An environment with 001, 002 and 003."""
    for version in ("001", "002", "003"):
        write(course, version)
    return course
