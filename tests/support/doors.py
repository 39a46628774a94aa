"""Both doors of the tool, `python scripts/*.py` and Alembic's own command line, run or started."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from subprocess import CompletedProcess
from typing import Any

from tests.support.workspace import Workspace

DOORS = {
    "migrate": ("scripts/migrate.py", "--database", "course"),
    "alembic": ("-m", "alembic", "-n", "course", "upgrade", "head"),
}
"""What brings course to its newest version, as arguments for Python."""


def run(workspace: Workspace, *command: str) -> CompletedProcess[str]:
    """Run a command of either door."""
    script, *options = command
    if script == "alembic":
        return workspace.alembic("-n", "course", *options)
    return workspace.run(script, "--database", "course", *options)


def start(
    workspace: Workspace,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[str]:
    """Start Python in a project and leave it running; all that it says comes from `stdout`.

    Args:
        workspace: the project.
        arguments: for Python.
        environment: variables besides those that name the databases.
        options: for Popen, in place of what is said here.
    """
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=workspace.root,
        env={**workspace.variables, **(environment or {})},
        text=True,
        **{**streams, **options},
    )


def asking(workspace: Workspace) -> tuple[subprocess.Popen[bytes], int]:
    """Start a rollback on a terminal, and wait until it asks."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "scripts/rollback.py", "--database", "course"],
        cwd=workspace.root,
        env=workspace.variables,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(ours, 1000)
    return run, ours
