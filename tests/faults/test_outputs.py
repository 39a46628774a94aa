"""Outputs that are full or closed: the run ends at a safe place, and says so where it can."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.support.doors import DOORS
from tests.support.servers import PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
FULL = Path("/dev/full")
OUTSIDE = "-- Transaction: none\n"
WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass"


def closed_pipe() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def start(workspace: Workspace, output: str, *command: str) -> subprocess.Popen[str]:
    """Start a command whose standard output cannot be written."""
    stdout = os.open(FULL, os.O_WRONLY) if output == "full" else closed_pipe()
    try:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=workspace.root,
            env=workspace.variables,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(stdout)


def ended(run: subprocess.Popen[str]) -> str:
    """Return what it said on standard error, after it failed."""
    said = run.communicate(timeout=PATIENCE)[1]
    assert run.returncode == 1, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    return said


def failures(workspace: Workspace) -> list[str]:
    rows = workspace.query("SELECT error FROM schema_migrations_events WHERE event = 'failure'")
    return [error for (error,) in rows]


@pytest.mark.parametrize("header", ["", OUTSIDE], ids=["inside", "outside"])
@pytest.mark.parametrize(
    ("output", "reason"), [("full", "No space left on device"), ("closed", "Broken pipe")]
)
def test_the_migration_at_hand_is_finished(
    workspace: Workspace, header: str, output: str, reason: str
) -> None:
    for version in ("001", "002"):
        workspace.add(version, f"CREATE TABLE IF NOT EXISTS t_{version} (id int);", header=header)
    said = ended(start(workspace, output, *DOORS["migrate"]))
    assert said.splitlines()[:3] == [
        f"error:  cannot write the output: {reason}",
        "at:     course",
        "state:  course is at 001",
    ]
    assert workspace.versions() == ["001"]
    assert failures(workspace) == [f"cannot write the output: {reason}"]


def test_what_is_done_when_the_last_line_cannot_be_written_is_no_success(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001")
    assert "state:  course is at 001" in ended(start(workspace, "full", *DOORS["migrate"]))
    assert "error" not in workspace.run("status").stdout


def test_a_preview_that_nobody_reads_is_not_followed(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    back = ("scripts/rollback.py", "--database", "course", "--to", "base", "--yes", "--json")
    assert ended(start(workspace, "closed", *back)).startswith("error:  cannot write the output")
    assert workspace.versions() == ["001", "002"]


def test_a_statement_that_waits_for_a_lock_is_let_run(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "ALTER TABLE a ADD COLUMN x int;")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE a")
        run = start(workspace, "closed", *DOORS["migrate"])
        until(lambda: workspace.query(WAITS), "the statement to wait")
        until(
            lambda: workspace.query(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_blocking_pids%'"
                " AND pid <> pg_backend_pid()"
            ),
            "a line about it",
        )
        other.rollback()
    said = ended(run)
    assert "cannot write the output: Broken pipe" in said
    assert "state:  course is at 001" in said
    assert workspace.versions() == ["001"]


def test_standard_error_is_alembic_s_output(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    with FULL.open("w") as full:
        run = subprocess.run(
            [sys.executable, *DOORS["alembic"]],
            cwd=workspace.root,
            env=workspace.variables,
            stdout=subprocess.DEVNULL,
            stderr=full,
            timeout=PATIENCE,
            check=False,
        )
    assert run.returncode == 1
    assert workspace.versions() == ["001"]
    assert failures(workspace) == ["cannot write the output: No space left on device"]


@pytest.mark.parametrize("script", ["status", "validate"])
def test_a_command_that_changes_nothing_says_so_too(workspace: Workspace, script: str) -> None:
    workspace.add_tables("001")
    said = ended(start(workspace, "full", f"scripts/{script}.py"))
    assert said.startswith("error:  cannot write the output: No space left on device")


def test_an_output_that_the_caller_has_closed_is_not_missed(workspace: Workspace) -> None:
    workspace.add_tables("001")
    command = f"exec {sys.executable} {' '.join(DOORS['migrate'])} >&-"
    run = workspace.execute("sh", "-c", command)
    assert (run.returncode, run.stderr) == (0, "")
    assert workspace.versions() == ["001"]


def test_create_names_the_files_that_it_wrote(workspace: Workspace) -> None:
    create = ("scripts/create.py", "--database", "course", "--name", "add x")
    said = ended(start(workspace, "closed", *create))
    assert "state:  wrote sql/course/001_add_x.sql and course/versions/001_add_x.py" in said


def test_a_file_that_cannot_be_written_whole_is_not_left(workspace: Workspace) -> None:
    command = f"ulimit -f 0; exec {sys.executable} scripts/create.py --database course --name x"
    done = workspace.execute("sh", "-c", command)
    assert done.returncode == 1
    assert done.stderr.startswith("error:  cannot write sql/course/001_x.sql: file too large")
    assert list((workspace.root / "sql/course").iterdir()) == []


def test_alembic_runs_with_standard_error_closed(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    command = f"exec {sys.executable} {' '.join(DOORS['alembic'])} 2>&-"
    assert workspace.execute("sh", "-c", command).returncode == 0
    assert workspace.versions() == ["001", "002"]


def test_an_error_does_not_go_to_standard_output_instead(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1/0;")
    command = f"exec {sys.executable} {' '.join(DOORS['migrate'])} 2>&-"
    done = workspace.execute("sh", "-c", command)
    assert done.returncode == 1
    assert "division by zero" not in done.stdout
