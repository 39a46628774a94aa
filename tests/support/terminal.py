"""Runs a command on a terminal of a given width, and keeps all that it writes there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress

from tests.support.workspace import Workspace

_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9])")


def run(
    workspace: Workspace,
    *arguments: str,
    width: int = 80,
    when: Callable[[str], object] = lambda _: None,
    **environment: str,
) -> tuple[int, str]:
    """Run Python in a project, with all three streams on a terminal.

    Args:
        workspace: the project.
        arguments: for Python.
        width: of the terminal, in characters.
        when: is called with what has been written so far, each time something is.
        environment: variables besides those that name the databases.

    Returns:
        The exit code, and what was written, with its control sequences.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    known = {**workspace.variables, "TERM": "xterm", **environment}
    known = {key: value for key, value in known.items() if key not in ("COLUMNS", "LINES", "CI")}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=workspace.root,
        env=known,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    with suppress(OSError):
        while data := os.read(ours, 65536):
            written += data
            when(plain(written.decode(errors="replace")))
    os.close(ours)
    return process.wait(60), written.decode(errors="replace")


def plain(written: str) -> str:
    """Return what was written without control sequences."""
    return _CONTROL.sub("", written.replace("\r\n", "\n").replace("\r", "\n"))
