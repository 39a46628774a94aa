"""Who runs, and from where: what the event log notes beside what was done."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from scripts.engine.session import database

# Where the usual services say which commit and which run they are at.
_COMMITS = ("GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "CIRCLE_SHA1", "BUILDKITE_COMMIT")
_RUNS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")
_LONGEST = 500
"""Characters of a value that are kept."""
_GIT_PATIENCE = 2
"""Seconds to wait for git: a run must not hang for a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One run of the tool."""

    run: str
    """A name for the run that no other one has."""
    host: str
    tool: str
    git_commit: str
    """Empty when not known."""
    ci_run: str
    """Where the CI run is to be seen; empty when not known."""


UNKNOWN = Origin(run="", host="", tool="", git_commit="", ci_run="")
"""For a run that has nothing to do, and writes nothing."""


def here(environment: str, root: Path) -> Origin:
    """Find out what can be known.

    Args:
        environment: whose migrations are run.
        root: the checkout.
    """
    return Origin(
        run=str(uuid4()),
        host=_clean(socket.gethostname()),
        tool=database.application(environment),
        git_commit=_clean(_first(_COMMITS, os.environ) or _head(root)),
        ci_run=_clean(_github(os.environ) or _first(_RUNS, os.environ)),
    )


def _clean(value: str) -> str:
    """Return a value as a row can hold it: whoever starts the run may have put anything there."""
    readable = value.encode("utf-8", "replace").decode()
    without_login = re.sub(r"(?<=://)[^/@]*@", "", readable)
    return "".join(one for one in without_login if one.isprintable())[:_LONGEST]


def _first(names: tuple[str, ...], values: Mapping[str, str]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _github(values: Mapping[str, str]) -> str:
    # https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    parts = [values.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""


def _head(root: Path) -> str:
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
