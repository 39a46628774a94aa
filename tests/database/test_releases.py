"""An older release and this one beside each other, as during a rolling deployment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from tests.support import warm
from tests.support.servers import required, until
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
OLD = "a885f68"
"""The release before the ledger had existed_before, and the event log what it knows of files."""
OUTSIDE = "-- Transaction: none\n"
DOORS = pytest.mark.parametrize("door", ["scripts", "alembic"])


@dataclass
class Release:
    """A checkout of one release, with the migrations of a workspace."""

    root: Path
    variables: dict[str, str]
    files: Path
    """Where the migrations are, which are copied ahead of each command."""

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in it: `migrate`, or `alembic` with its arguments."""
        return subprocess.Popen(
            self.prepare(*command),
            cwd=self.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def prepare(self, *command: str) -> tuple[str, ...]:
        """Copy the migrations; return what to start."""
        if self.files != self.root:
            for name in ("sql", "auth/versions", "course/versions"):
                shutil.rmtree(self.root / name, ignore_errors=True)
                shutil.copytree(self.files / name, self.root / name)
        head, *rest = command
        program = ["-m", "alembic"] if head == "alembic" else [f"scripts/{head}.py"]
        return sys.executable, *program, *rest

    def run(self, *command: str) -> str:
        """Run a command that has to succeed, and return what it says."""
        done = warm.run(self.prepare(*command), self.variables, cwd=self.root)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    def up(self, door: str, version: str = "head") -> str:
        """Migrate course through a door."""
        if door == "alembic":
            return self.run("alembic", "-n", "course", "upgrade", version)
        to = () if version == "head" else ("--to", version)
        return self.run("migrate", "--database", "course", *to)

    def down(self, door: str) -> str:
        """Roll course back by one migration."""
        if door == "alembic":
            return self.run("alembic", "-n", "course", "downgrade", "-1")
        return self.run("rollback", "--database", "course", "--yes")


def _is_shallow() -> bool:
    asked = ["git", "rev-parse", "--is-shallow-repository"]
    return b"true" in subprocess.run(asked, cwd=REPOSITORY, capture_output=True, check=False).stdout


@pytest.fixture(scope="session")
def old_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The older release, out of git."""
    folder = tmp_path_factory.mktemp("old") / "release"
    folder.mkdir()
    packed = subprocess.run(
        ["git", "archive", OLD, "scripts", "alembic.ini", "auth/env.py", "course/env.py"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if packed.returncode and _is_shallow():
        pytest.skip(f"a shallow clone has no commit {OLD}")
    required(f"the commit {OLD}", found=packed.returncode == 0)
    subprocess.run(["tar", "-x"], input=packed.stdout, cwd=folder, check=True)
    return folder


@pytest.fixture
def new(workspace: Workspace) -> Release:
    """This release."""
    return Release(workspace.root, workspace.variables, workspace.root)


@pytest.fixture
def old(workspace: Workspace, old_checkout: Path, tmp_path: Path) -> Release:
    """The older one, with the same migrations."""
    root = tmp_path / "old"
    for name in ("auth", "course"):
        (root / name).mkdir(parents=True)
        shutil.copy(old_checkout / name / "env.py", root / name)
    (root / "scripts").symlink_to(old_checkout / "scripts")
    shutil.copy(old_checkout / "alembic.ini", root)
    return Release(root, workspace.variables, workspace.root)


def columns(workspace: Workspace, table: str) -> set[str]:
    """Return the columns of a table."""
    rows = workspace.query(
        f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
    )
    return {name for (name,) in rows}


@pytest.mark.parametrize(
    ("door", "header"),
    [("scripts", ""), ("alembic", OUTSIDE)],
    ids=["scripts, inside", "alembic, outside"],
)
def test_the_old_release_first_then_this_one_and_back_again(
    workspace: Workspace, old: Release, new: Release, door: str, header: str
) -> None:
    workspace.add("001", "CREATE TABLE a ();", "DROP TABLE a;", header=header)
    old.up(door)
    assert "existed_before" not in columns(workspace, "schema_migrations")
    workspace.add("002", "CREATE TABLE IF NOT EXISTS b ();", "DROP TABLE b;", header=header)
    new.up(door)
    assert "existed_before" in columns(workspace, "schema_migrations")
    assert "rollback_sql" in columns(workspace, "schema_migrations_events")
    workspace.add("003", "CREATE TABLE c ();", "DROP TABLE c;", header=header)
    old.up(door)
    assert workspace.versions() == ["001", "002", "003"]
    new.down(door)
    old.down(door)
    assert workspace.tables() == ["a"]
    new.down(door)
    assert (workspace.tables(), workspace.versions(), workspace.alembic_version()) == ([], [], [])


@DOORS
def test_this_release_first_then_the_old_one_and_back_again(
    workspace: Workspace, old: Release, new: Release, door: str
) -> None:
    workspace.add_tables("001")
    new.up(door)
    workspace.add_tables("002")
    old.up(door)
    assert "at 002, 2 applied, 0 pending" in new.run("status", "--database", "course")
    assert "at 002, 2 applied, 0 pending" in old.run("status", "--database", "course")
    old.down(door)
    new.down(door)
    assert (workspace.tables(), workspace.versions()) == ([], [])


@pytest.mark.parametrize(("door", "waits"), [("scripts", "old"), ("alembic", "new")])
def test_one_waits_for_the_other(
    workspace: Workspace, old: Release, new: Release, door: str, waits: str
) -> None:
    workspace.query("CREATE TABLE gate (); CREATE TABLE runs (version text)")
    for version in ("001", "002"):
        workspace.add(version, f"LOCK TABLE gate;\nINSERT INTO runs VALUES ('{version}');")
    first, second = (new, old) if waits == "old" else (old, new)
    command = (
        ("alembic", "-n", "course", "upgrade", "head")
        if door == "alembic"
        else ("migrate", "--database", "course")
    )
    with closing(psycopg2.connect(workspace.urls["course"])) as gate:
        gate.cursor().execute("LOCK TABLE gate")
        at_work = first.start(*command)
        held = (
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        until(lambda: workspace.query(held), "the first run to have the lock")
        waiting = second.start(*command)
        assert waiting.stdout
        line = waiting.stdout.readline()
        assert "waiting for another run" in line
    said = [process.communicate(timeout=120)[0] for process in (at_work, waiting)]
    assert (at_work.returncode, waiting.returncode) == (0, 0), said
    assert workspace.query("SELECT version FROM runs") == [("001",), ("002",)]
    assert workspace.versions() == ["001", "002"]


def test_many_of_both_that_start_together_run_each_migration_once(
    workspace: Workspace, old: Release, new: Release
) -> None:
    workspace.query("CREATE TABLE runs (version text)")
    versions = [f"{number:03}" for number in range(1, 9)]
    for version in versions:
        workspace.add(
            version,
            f"INSERT INTO runs VALUES ('{version}');",
            header=OUTSIDE if version == "004" else "",
        )
    runs = [
        (release, release.start("migrate", "--database", "course"))
        for release in (old, new, old, new)
    ]
    for release, process in runs:
        said, _ = process.communicate(timeout=180)
        if release is old and "the ledger and Alembic's version disagree" in said:
            # It reads the two in two statements, and a commit of another run came in between.
            release.run("migrate", "--database", "course")
        else:
            assert process.returncode == 0, said
    assert workspace.query("SELECT version FROM runs ORDER BY 1") == [(v,) for v in versions]
    assert workspace.versions() == versions


def test_the_old_release_completes_what_this_one_left_half_applied(
    workspace: Workspace, old: Release, new: Release
) -> None:
    workspace.query("CREATE TABLE b ()")
    up = "CREATE TABLE IF NOT EXISTS a ();\nINSERT INTO b SELECT FROM a HAVING 1 / count(*) = 1;"
    workspace.add("001", up, "DROP TABLE a;", header=OUTSIDE)
    failed = new.start("migrate", "--database", "course")
    failed.communicate(timeout=60)
    assert failed.returncode == 1
    assert "001  PARTIAL 1/2" in new.run("status", "--database", "course")
    workspace.query("INSERT INTO a DEFAULT VALUES")
    old.run("migrate", "--database", "course")
    assert "PARTIAL" not in new.run("status", "--database", "course")
    new.run("rollback", "--database", "course", "--yes")
    assert workspace.tables() == ["b"]


def test_what_the_old_release_left_half_applied_is_known_to_this_one(
    workspace: Workspace, old: Release, new: Release
) -> None:
    up = "CREATE TABLE IF NOT EXISTS a ();\nSELECT 1 / 0;"
    workspace.add("001", up, "DROP TABLE a;", header=OUTSIDE)
    old.start("migrate", "--database", "course").communicate(timeout=60)
    assert "001  PARTIAL 1/?, 001_step.sql: failed" in new.run("status", "--database", "course")
    new.run("rollback", "--database", "course", "--partial", "--yes")
    assert workspace.tables() == []


def test_alembic_does_not_call_a_version_head_that_is_ahead(workspace: Workspace) -> None:
    workspace.add_tables("001", "002", "003")
    workspace.upgrade()
    assert workspace.alembic("-n", "course", "current").stdout == "003 (head)\n"
    workspace.remove("003")
    shown = workspace.alembic("-n", "course", "current").stdout
    assert shown == "003 (ahead of this checkout)\n"
    verbose = workspace.alembic("-n", "course", "current", "--verbose").stdout
    assert "Rev: 003 (ahead of this checkout)" in verbose
    assert "002 -> 003 (ahead of this checkout)" in (
        workspace.alembic("-n", "course", "history").stdout
    )
