"""The Makefile: what each target installs, and that a second call installs nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.workspace import REPOSITORY


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that nothing was made in yet."""
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def installs(checkout: Path, target: str) -> list[str]:
    """Return the locks that a target would install."""
    plan = subprocess.run(
        ["make", "--dry-run", target], cwd=checkout, capture_output=True, text=True, check=True
    )
    lines = [line for line in plan.stdout.splitlines() if "pip install" in line]
    assert all("--no-deps --require-hashes" in line for line in lines)
    assert plan.stdout.count("check\n") == len(lines), "pip check follows each"
    return [line.split()[-1] for line in lines]


@pytest.mark.parametrize(
    ("target", "locks"),
    [
        ("migrate", ["requirements.lock"]),
        ("test", ["requirements.lock", "requirements-dev.lock"]),
        ("lint", ["requirements.lock", "requirements-dev.lock"]),
    ],
)
def test_a_target_installs_what_it_needs_and_the_second_time_nothing(
    checkout: Path, target: str, locks: list[str]
) -> None:
    assert installs(checkout, target) == locks
    for stamp in (".runtime", ".tools"):
        (checkout / ".venv").mkdir(exist_ok=True)
        (checkout / ".venv" / stamp).touch()
    assert installs(checkout, target) == []
