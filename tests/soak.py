"""Let many runners start together, round after round: each migration runs exactly once.

    make soak             # 20 rounds of 8 runners, with and without CREATE INDEX CONCURRENTLY
    make soak ROUNDS=3    # fewer

Ends with 1 when a runner fails or hangs, or when a migration runs twice or not at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.engine.embedded import server
from scripts.engine.embedded.server import Server
from tests.bench import recreate
from tests.workspace import Workspace

RUNNERS = 8
HANGS = 120
"""Seconds after which a runner is taken to hang."""


def write_history(workspace: Workspace, *, concurrently: bool) -> list[str]:
    """Write the migrations and return their versions; each notes in `runs` that it ran."""
    workspace.add("001", "CREATE TABLE runs (version text);\nINSERT INTO runs VALUES ('001');")
    versions = [f"{number:03}" for number in range(2, 11)]
    for version in versions:
        note = f"INSERT INTO runs VALUES ('{version}');"
        if concurrently and int(version) % 3 == 0:
            index = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i_{version} ON runs (version);"
            workspace.add(version, f"{index}\n{note}", header="-- Transaction: none\n")
        else:
            workspace.add(version, f"CREATE TABLE t_{version} (id int);\n{note}")
    return ["001", *versions]


def start(workspace: Workspace, number: int) -> subprocess.Popen[str]:
    """Start a runner: half of them through Alembic's own command line."""
    doors = (["scripts/migrate.py", "--database"], ["-m", "alembic", "-n"])
    command = [sys.executable, *doors[number % 2], "course"]
    command += ["upgrade", "head"] if number % 2 else []
    return subprocess.Popen(
        command,
        cwd=workspace.root,
        env={**os.environ, **workspace.settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def play(workspace: Workspace, postgres: Server, versions: list[str]) -> list[str]:
    """Play one round on an empty database; return what went wrong."""
    recreate(postgres, "course")
    wrong = []
    for runner in [start(workspace, number) for number in range(RUNNERS)]:
        try:
            errors = runner.communicate(timeout=HANGS)[1]
        except subprocess.TimeoutExpired:
            runner.kill()
            errors = f"hangs for {HANGS} s"
        if runner.returncode:
            wrong.append(f"exit {runner.returncode}: {errors}")
    ran = [version for (version,) in workspace.query("SELECT version FROM runs ORDER BY 1")]
    if ran != versions:
        wrong.append(f"ran: {', '.join(ran)}")
    if workspace.versions() != versions:
        wrong.append(f"ledger: {', '.join(workspace.versions())}")
    return wrong


def main() -> int:
    """Play all rounds and print a line for each history."""
    rounds = int(os.environ.get("ROUNDS") or "20")
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="upskill-soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", ephemeral=True)
        urls = {"auth": postgres.url("auth"), "course": postgres.url("course")}
        for concurrently in (False, True):
            root = folder / f"project-{concurrently}"
            workspace = Workspace.make(root, urls, postgres.bin)
            versions = write_history(workspace, concurrently=concurrently)
            begin = time.monotonic()
            found = [fault for _ in range(rounds) for fault in play(workspace, postgres, versions)]
            kind = "with CREATE INDEX CONCURRENTLY" if concurrently else "transactional only"
            print(
                f"{kind}: {rounds} rounds of {RUNNERS} runners, {len(versions)} migrations, "
                f"{len(found)} faults, {time.monotonic() - begin:.0f} s",
                flush=True,
            )
            wrong += found
        server.leave(folder / "postgres")
    print("\n".join(wrong), end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
