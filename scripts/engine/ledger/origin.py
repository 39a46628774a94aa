"""Who runs the tool, and from where: recorded in each row of the event log."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from scripts.engine.session import database
from scripts.engine.settings import Settings

_LONGEST = 500
"""Characters of a value that are kept."""
_GIT_PATIENCE = 2
"""Seconds to wait for git: a run must not hang for a note."""


class Origin(NamedTuple):
    """One run of the tool."""

    run: str
    """A name for the run that no other one has."""
    host: str
    tool: str
    git_commit: str
    """Empty when not known."""
    ci_run: str
    """The URL of the CI run; empty when not known."""


UNKNOWN = Origin(run="", host="", tool="", git_commit="", ci_run="")
"""For a run that has nothing to do, and writes nothing."""


def here(settings: Settings) -> Origin:
    """Collect what is known about the run that is about to begin."""
    return Origin(
        run=os.urandom(16).hex(),
        host=_clean(os.uname().nodename),
        tool=database.application(settings.name),
        git_commit=_clean(settings.ci.commit or _head(settings.project.root)),
        ci_run=_clean(settings.ci.url),
    )


def _clean(value: str) -> str:
    """Return a value that a row can hold; whoever starts the run may have set it to anything."""
    readable = value.encode("utf-8", "replace").decode()
    without_login = re.sub(r"(?<=://)[^/@]*@", "", readable)
    return "".join(one for one in without_login if one.isprintable())[:_LONGEST]


def _head(root: Path) -> str:
    """Return the commit that is checked out; "" where there is none."""
    is_repository = any((folder / ".git").exists() for folder in (root, *root.parents))
    return (_read_head(root / ".git") or _ask_git(root)) if is_repository else ""


def _read_head(git: Path) -> str:
    """Read it where it lies in the common case: starting git takes as long as a small run.

    https://git-scm.com/docs/gitrepository-layout
    """
    try:
        head = (git / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = (git / head.removeprefix("ref: ")).read_text().strip()
    except (OSError, ValueError):  # a worktree, packed references, no repository
        return ""
    return head if re.fullmatch("[0-9a-f]{40,64}", head) else ""


def _ask_git(root: Path) -> str:
    import subprocess

    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git is installed
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
