"""`python scripts/rollback.py`, as a person types it at night."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Course at 003, then auth at 001: auth's is the one applied most recently."""
    workspace.add_tables("001", "002", "003")
    workspace.upgrade()
    workspace.add_tables("001", environment="auth")
    workspace.upgrade(environment="auth")
    return workspace


def _on_a_terminal(workspace: Workspace, answer: str, *arguments: str) -> tuple[int, str]:
    """Run the command with a terminal as its standard input; return exit code and output."""
    here, there = pty.openpty()
    try:
        os.write(here, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "scripts/rollback.py", *arguments],
            cwd=workspace.root,
            stdin=there,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(here)
        os.close(there)
    return done.returncode, done.stdout + done.stderr


def test_without_a_database_it_takes_the_last_one_applied_and_names_it(applied: Workspace) -> None:
    done = applied.run("rollback", "--yes")
    assert done.returncode == 0
    assert done.stdout.startswith("auth: 001_step.sql, applied ")
    assert "    DROP TABLE IF EXISTS t_001;" in done.stdout
    assert "auth: rolled back 001_step.sql" in done.stdout
    assert applied.tables("auth") == []
    assert applied.versions() == ["001", "002", "003"]


def test_steps_go_back_in_the_order_of_application_over_both(applied: Workspace) -> None:
    assert applied.run("rollback", "--steps", "3", "--yes").returncode == 0
    assert applied.versions("auth") == []
    assert applied.versions() == ["001"]


def test_to_goes_back_to_a_version_compared_as_a_number(applied: Workspace) -> None:
    assert applied.run("rollback", "--database", "course", "--to", "1", "--yes").returncode == 0
    assert applied.versions() == ["001"]
    assert applied.run("rollback", "--database", "course", "--to", "base", "--yes").returncode == 0
    assert applied.tables() == []


def test_to_without_a_database_is_wrong_usage(applied: Workspace) -> None:
    done = applied.run("rollback", "--to", "1", "--yes")
    assert (done.returncode, "--to needs --database" in done.stderr) == (2, True)


def test_to_a_version_that_is_not_applied_lists_those_that_are(applied: Workspace) -> None:
    done = applied.run("rollback", "--database", "course", "--to", "9", "--yes")
    assert done.returncode == 2
    assert "course: 9 is not an applied version" in done.stderr
    assert "applied: 001, 002, 003" in done.stderr


def test_without_a_terminal_and_without_yes_it_refuses(applied: Workspace) -> None:
    done = applied.run("rollback")
    assert done.returncode == 2
    assert "add --yes" in done.stderr
    assert applied.versions("auth") == ["001"]


@pytest.mark.parametrize("answer", ["", "n", "nonsense"])
def test_on_a_terminal_anything_but_yes_changes_nothing(applied: Workspace, answer: str) -> None:
    code, output = _on_a_terminal(applied, answer)
    assert code == 2
    assert "Roll back this migration? [y/N]" in output
    assert "nothing was rolled back" in output
    assert applied.versions("auth") == ["001"]


def test_on_a_terminal_yes_rolls_back(applied: Workspace) -> None:
    code, output = _on_a_terminal(applied, "y", "--database", "course", "--steps", "2")
    assert code == 0
    assert "Roll back these 2 migrations? [y/N]" in output
    assert applied.versions() == ["001"]


def test_a_dry_run_shows_the_sql_and_changes_nothing(applied: Workspace) -> None:
    done = applied.run("rollback", "--dry-run")
    assert done.returncode == 0
    assert "DROP TABLE IF EXISTS t_001;" in done.stdout
    assert applied.versions("auth") == ["001"]


def test_use_file_shows_both_and_runs_the_file(workspace: Workspace) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);", "-- DROP TABLE broken;")
    workspace.upgrade()
    path.write_text(path.read_text().replace("broken", "a"))
    done = workspace.run("rollback", "--database", "course", "--use-file", "--yes")
    assert done.returncode == 0, done.stderr
    shown = done.stdout.split("course: rolled back")[0]
    assert shown.index("will NOT run:\n    DROP TABLE broken;") < shown.index(
        "-- from sql/course/001_step.sql, will run:\n    DROP TABLE a;"
    )
    assert workspace.tables() == []


def test_it_works_when_the_file_is_gone(applied: Workspace) -> None:
    applied.remove("003")
    done = applied.run("rollback", "--database", "course", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert applied.tables() == ["t_001", "t_002"]


def test_irreversible_is_refused_before_anybody_is_asked(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;", header="-- Irreversible: customers were told\n")
    workspace.upgrade()
    done = workspace.run("rollback", "--database", "course")
    assert done.returncode == 1
    assert "001 is declared irreversible: customers were told" in done.stderr


def test_nothing_applied_is_success(workspace: Workspace) -> None:
    done = workspace.run("rollback", "--yes")
    assert done.returncode == 0
    assert "course: nothing to roll back, at base" in done.stdout


def test_json_shows_the_sql_and_what_was_done(applied: Workspace) -> None:
    done = applied.run("rollback", "--json", "--yes")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["will_roll_back", "started", "finished"]
    assert events[0]["sql"] == "DROP TABLE IF EXISTS t_001;"
    assert events[2]["direction"] == "down"


@pytest.mark.parametrize("steps", ["0", "-1", "x"])
def test_a_number_of_steps_that_is_none_is_wrong_usage(applied: Workspace, steps: str) -> None:
    assert applied.run("rollback", "--steps", steps, "--yes").returncode == 2
