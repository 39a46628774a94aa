"""How far a proof is: on a terminal, and in a log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from scripts.console import progress
from tests.support.workspace import Workspace


@pytest.mark.database
def test_a_terminal_has_a_bar_that_is_gone_in_the_end(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "scripts/validate.py", "--shadow", "--database", "course"],
        cwd=workspace.root,
        env={**workspace.variables, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    printed = run.communicate(timeout=60)[0]
    assert run.returncode == 0
    text = shown.decode()
    assert "course" in text
    assert "2/2" in text
    assert text.rstrip().endswith("\x1b[2K"), "the line is erased"
    assert printed.startswith("0 errors in 2 migrations, 2 of them run on a shadow.")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the other end is closed.
        return b""


def test_a_log_has_a_line_when_nothing_was_said_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.shown() as told:
        told("course", 1, 100)
        monkeypatch.setattr(progress, "_EVERY", 0)
        told("course", 2, 100)
    assert capsys.readouterr().err == "course: 2 of 100 migrations were run on the shadow\n"
