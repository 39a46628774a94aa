"""A project in a temporary folder: migrations are put into it, commands are run in it."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from scripts.engine import settings
from scripts.engine.observer import SilentObserver
from scripts.engine.operations import overview, rollback, upgrade
from scripts.engine.reported import StepResult, Waiting
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.files import project
from scripts.files.project import Environment, Project
from tests.support import warm

REPOSITORY = Path(__file__).parents[2]
_REVISION = '''"""{slug}."""

from scripts.engine.revision import migration

revision = "{version}"
down_revision = {below}

upgrade, downgrade = migration(__file__)
'''


@dataclass
class Recorder(SilentObserver):
    """An observer that keeps what it is told."""

    results: list[StepResult] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def finished(self, result: StepResult) -> None:
        """Keep the result."""
        self.results.append(result)

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Keep the text."""
        self.notice(environment, waiting.text)

    def notice(self, environment: str, text: str) -> None:
        """Keep the text."""
        self.notices.append(text)


@dataclass
class Workspace:
    """A project with the repository's own alembic.ini, env.py files and scripts."""

    root: Path
    urls: Mapping[str, str]
    bin: Path
    recorder: Recorder = field(default_factory=Recorder)

    @classmethod
    def make(cls, root: Path, urls: Mapping[str, str], bin: Path) -> Workspace:
        """Make a project without migrations."""
        for name in ("auth", "course"):
            (root / name / "versions").mkdir(parents=True)
            (root / "sql" / name).mkdir(parents=True)
            for file in ("env.py", "script.py.mako"):
                shutil.copy(REPOSITORY / name / file, root / name / file)
        shutil.copy(REPOSITORY / "alembic.ini", root)
        (root / "scripts").symlink_to(REPOSITORY / "scripts")
        return cls(root, urls, bin)

    @property
    def project(self) -> Project:
        """Return the project as the code sees it."""
        return project.load(self.root / "alembic.ini")

    def environment(self, name: str = "course") -> Environment:
        """Return one of its environments."""
        return self.project.environment(name)

    def settings_of(self, name: str = "course") -> Settings:
        """Return the settings of a database as the commands read them."""
        return settings.load(self.project, self.environment(name))

    @property
    def settings(self) -> dict[str, str]:
        """Return the environment variables that name the databases."""
        return {f"{name.upper()}_DB_URL": url for name, url in self.urls.items()}

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of a command that is run here."""
        return {**os.environ, **self.settings}

    # Files --------------------------------------------------------------------------------------

    def add(
        self,
        version: str,
        up: str,
        down: str = "",
        *,
        header: str = "",
        slug: str = "step",
        environment: str = "course",
    ) -> Path:
        """Write a migration, SQL and revision file, on top of those that there are."""
        folder = self.root / "sql" / environment
        below = sorted(path.name.partition("_")[0] for path in folder.iterdir())
        path = folder / f"{version}_{slug}.sql"
        path.write_text(
            f"-- Migration: {path.name}\n-- Description: {slug}\n{header}"
            f"\n-- UP: Apply\n{up}\n\n-- DOWN: Undo\n{down}\n",
            newline="",
        )
        revision = self.root / environment / "versions" / f"{version}_{slug}.py"
        revision.write_text(
            _REVISION.format(slug=slug, version=version, below=f'"{below[-1]}"' if below else None)
        )
        return path

    def ignore(self, *patterns: str) -> None:
        """Name objects of course that are not the migrations'; see docs/operating.md."""
        ini = configparser.RawConfigParser()
        path = self.root / "alembic.ini"
        ini.read(path)
        ini["course"]["ignore"] = "\n" + "\n".join(patterns)
        with path.open("w") as file:
            ini.write(file)

    def add_released(self, *environments: str) -> None:
        """Add the repository's own migrations of these environments."""
        for one in environments:
            for name in (f"sql/{one}", f"{one}/versions"):
                shutil.copytree(REPOSITORY / name, self.root / name, dirs_exist_ok=True)

    def add_tables(self, *versions: str, environment: str = "course") -> None:
        """Write one migration per version; each makes a table t_<version>."""
        for version in versions:
            self.add(
                version,
                f"CREATE TABLE IF NOT EXISTS t_{version} (id int PRIMARY KEY);",
                f"-- DROP TABLE IF EXISTS t_{version};",
                environment=environment,
            )

    def remove(self, version: str, environment: str = "course") -> None:
        """Remove a migration's two files, as an older release lacks them."""
        for path in (
            *(self.root / "sql" / environment).glob(f"{version}_*"),
            *(self.root / environment / "versions").glob(f"{version}_*.py"),
        ):
            path.unlink()

    # Runs ---------------------------------------------------------------------------------------

    def upgrade(self, version: str = "head", environment: str = "course") -> None:
        """Upgrade in this process, as the commands do."""
        upgrade.to(self.settings_of(environment), version, self.recorder)

    def downgrade(
        self,
        version: str,
        environment: str = "course",
        *,
        use_file: bool = False,
        switches: Switches = NO_SWITCHES,
    ) -> None:
        """Roll back in this process, as the commands do."""
        rollback.to(
            self.settings_of(environment),
            version,
            self.recorder,
            switches._replace(use_file=use_file),
        )

    def state(self, environment: str = "course") -> Status:
        """Return what status.py shows."""
        return overview.status(self.settings_of(environment), self.recorder.notices.append)

    def run(self, script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run scripts/<script>.py as a person would."""
        return self.execute(sys.executable, f"scripts/{script}.py", *arguments, **options)

    def alembic(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Alembic's own command line."""
        return self.execute(sys.executable, "-m", "alembic", *arguments, **options)

    def execute(
        self, *command: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder, without a terminal."""
        variables = {**self.variables, **(environment or {})}
        given = {name: value for name, value in variables.items() if value}
        return warm.run(command, given, **{"cwd": self.root, **options})

    # The database -------------------------------------------------------------------------------

    def query(self, text: str, environment: str = "course") -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and return its rows."""
        try:
            return self._query(text, environment)
        except psycopg2.OperationalError as error:
            # A run in another thread has ended, and taken the process's wait callback with it.
            if "wait callback not available" not in str(error):
                raise
            return self._query(text, environment)

    def _query(self, text: str, environment: str) -> list[tuple[Any, ...]]:
        with (
            closing(psycopg2.connect(self.urls[environment])) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(text)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows

    def tables(self, environment: str = "course") -> list[str]:
        """Return the names of the tables, without the ledger's, its events' and Alembic's."""
        rows = self.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') ORDER BY 1",
            environment,
        )
        ours = ("schema_migrations", "schema_migrations_events", "alembic_version")
        return [name for (name,) in rows if name not in ours]

    def versions(self, environment: str = "course") -> list[str]:
        """Return the versions that the ledger has."""
        rows = self.query("SELECT version FROM schema_migrations ORDER BY version", environment)
        return [version for (version,) in rows]

    def existed_before(self, version: str = "001") -> list[str] | None:
        """Return the objects that were there before a migration, as the ledger has it."""
        [(stored,)] = self.query(
            f"SELECT existed_before FROM schema_migrations WHERE version = '{version}'"
        )
        return None if stored is None else [f"{one['kind']} {one['name']}" for one in stored]

    def alembic_version(self, environment: str = "course") -> list[str]:
        """Return what Alembic's table has."""
        return [v for (v,) in self.query("SELECT version_num FROM alembic_version", environment)]

    def dump(self, environment: str = "course", *options: str) -> str:
        """Return pg_dump's view of the database, without what differs from one run to the next."""
        dumped = subprocess.run(
            [
                self.bin / "pg_dump",
                *options,
                "--exclude-table=*.*_events",
                f"--dbname={self.urls[environment]}",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return "\n".join(
            line
            for line in dumped.stdout.splitlines()
            if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
        )
