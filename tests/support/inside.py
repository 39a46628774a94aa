"""Both doors run in this process, by their command lines: nobody waits for one to start."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch

from alembic.config import CommandLine

from scripts import migrate, rollback
from scripts.console import arguments
from tests.support.workspace import Workspace

_COMMANDS: dict[str, Callable[[], object]] = {"migrate": migrate.main, "rollback": rollback.main}
_LOG = logging.getLogger("upskill.migrations")


@dataclass(frozen=True)
class Done:
    """How a command ended, as `subprocess.run` tells it."""

    returncode: int
    stdout: str
    stderr: str


def run(workspace: Workspace, *command: str) -> Done:
    """Run a command of either door on course, as `doors.run` does in a process of its own."""
    name, *options = command
    if name == "alembic":
        line = ["-n", "course", *options]
        return _run(workspace, "alembic", line, lambda: CommandLine("alembic").main(line))
    return _run(workspace, name, ["--database", "course", *options], _COMMANDS[name])


def _run(workspace: Workspace, name: str, line: list[str], main: Callable[[], object]) -> Done:
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with _surroundings(workspace, [name, *line]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int), code
    return Done(code, out.getvalue(), err.getvalue())


@contextmanager
def _surroundings(workspace: Workspace, argv: list[str]) -> Iterator[None]:
    """Give a command what a process of its own would have, and put all of it back."""
    log = SimpleNamespace(handlers=_LOG.handlers, level=_LOG.level)
    _LOG.handlers = []  # Alembic's door makes one, for the standard error of that moment
    try:
        with (
            chdir(workspace.root),
            patch.dict(os.environ, workspace.settings),
            patch.object(sys, "argv", argv),
            patch.object(sys, "path", list(sys.path)),
            patch.object(arguments, "this_project", lambda: workspace.project),
        ):
            yield
    finally:
        _LOG.handlers = log.handlers
        _LOG.setLevel(log.level)
