"""The npm packages that use the migrated databases: installed once, run with node."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from typing import Any

from tests.support.servers import required
from tests.support.workspace import REPOSITORY

FOLDER = REPOSITORY / "tests" / "clients"
_OLDEST = 20
"""Of node, that the packages run on."""


def _has_node() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.strip().lstrip("v").partition(".")[0] or 0) >= _OLDEST


def install() -> None:
    """Install what the lock names, unless it is there; several workers may ask at once."""
    required(f"node {_OLDEST} or newer, and npm", found=_has_node())
    with (FOLDER / ".install").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, wanted = FOLDER / "node_modules" / ".installed", FOLDER / "package-lock.json"
        if done.exists() and done.read_text() == wanted.read_text():
            return
        subprocess.run(["npm", "ci"], cwd=FOLDER, check=True, capture_output=True, timeout=300)
        done.write_text(wanted.read_text())


def tool(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages; return how it ended."""
    return subprocess.run(
        [str(FOLDER / "node_modules" / ".bin" / name), *arguments],
        cwd=FOLDER,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def run(script: str, *arguments: str, **environment: str) -> Any:
    """Run a script of tests/clients; return the JSON that it prints."""
    done = subprocess.run(
        ["node", script, *arguments],
        cwd=FOLDER,
        env={**os.environ, "NODE_NO_WARNINGS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
