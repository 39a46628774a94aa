"""`python -m scripts` lists the commands, each with the line that its --help begins with."""

from __future__ import annotations

import subprocess
import sys

from scripts import __main__ as commands_list
from tests.support.workspace import REPOSITORY


def test_every_command_is_listed_with_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = [line.split("  ")[0] for line in done.stdout.splitlines() if "scripts/" in line]
    wanted = ("baseline", "create", "migrate", "repair", "rollback", "status", "validate")
    assert listed[: len(wanted)] == [f"python scripts/{name}.py" for name in wanted]
    assert all(commands_list.commands().values())


def test_it_runs_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "migrate"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "only lists the commands" in done.stderr
