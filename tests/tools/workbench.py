"""What the rows of the benchmark share: a server, generated projects, and who is run on them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.embedded.server import Server
from tests.support.workspace import Workspace
from tests.tools import workloads
from tests.tools.measuring import Command, Taken, run

ROUNDS = int(os.environ.get("ROUNDS") or "3")
MIGRATE = (sys.executable, "scripts/migrate.py", "--database", "course")
ROLL_BACK = (sys.executable, "scripts/rollback.py", "--database", "course", "--yes")


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, a folder, and what has been made in them."""

    folder: Path
    postgres: Server

    def history(self, size: int) -> Workspace:
        """Return a project of that many migrations, made once."""
        folder = self.folder / f"project-{size}"
        if folder.exists():
            urls = {"auth": self.postgres.url("auth"), "course": self.postgres.url("course")}
            return Workspace(folder, urls, self.postgres.bin)
        return workloads.history(folder, self.postgres, size)

    def script(self, name: str, text: str) -> Path:
        """Write a script for psql."""
        path = self.folder / name
        path.write_text(text)
        return path

    def recreate(self, template: str = "template0") -> None:
        """Make course's database anew."""
        workloads.recreate(self.postgres, "course", template)

    def run(self, command: Command, root: Path, **variables: str) -> Taken:
        """Run a process against the databases."""
        urls = {
            "AUTH_DB_URL": self.postgres.url("auth"),
            "COURSE_DB_URL": self.postgres.url("course"),
        }
        return run(command, root, **{**urls, **variables})

    def psql(self, script: Path, *options: str, url: str = "") -> Taken:
        """Have psql run a script."""
        plain: list[str | Path] = [
            self.postgres.bin / "psql",
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            *options,
        ]
        return self.run((*plain, "-f", script, url or self.postgres.url("course")), self.folder)

    def floor(self) -> Taken:
        """Run the least that a client in Python does."""
        return self.run((sys.executable, "-c", workloads.FLOOR), self.folder)

    def applied(self, size: int) -> Workspace:
        """Return a project that is applied, as far as the ledger says; a stamp runs nothing."""
        workspace = self.history(size)
        self.recreate()
        alembic = (sys.executable, "-m", "alembic", "-n", "course", "stamp", "head")
        self.run(alembic, workspace.root)
        return workspace
