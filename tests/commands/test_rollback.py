"""`python scripts/rollback.py`, as a person types it at night."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from scripts.errors import LedgerError
from tests.support.doors import asking
from tests.support.workspace import Workspace

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
    first, second, *_ = done.stdout.splitlines()
    assert re.fullmatch(r"auth: migrator@this machine:\d+/auth_\w+", first)
    assert second.startswith("auth: 001_step.sql, applied ")
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
    assert "9 is not an applied version" in done.stderr
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
    assert re.search(r"Roll back this migration on migrator@.*/auth_\w+\? \[y/N\]", output)
    assert "nothing was rolled back" in output
    assert applied.versions("auth") == ["001"]


def test_on_a_terminal_yes_rolls_back(applied: Workspace) -> None:
    code, output = _on_a_terminal(applied, "y", "--database", "course", "--steps", "2")
    assert code == 0
    assert re.search(r"Roll back these 2 migrations on migrator@.*/course_\w+\?", output)
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
    assert [event["event"] for event in events] == [
        "will_roll_back",
        "planned",
        "started",
        "finished",
        "ended",
    ]
    assert events[0]["sql"] == "DROP TABLE IF EXISTS t_001;"
    assert events[3]["direction"] == "down"


@pytest.mark.parametrize("steps", ["0", "-1", "x"])
def test_a_number_of_steps_that_is_none_is_wrong_usage(applied: Workspace, steps: str) -> None:
    done = applied.run("rollback", "--steps", steps, "--yes")
    assert done.returncode == 2
    assert "error: --steps must be 1 or more\n" in done.stderr


@pytest.mark.parametrize(
    "change", ["one more is applied", "the stored SQL is another", "its checksum is another"]
)
@pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
def test_what_was_not_shown_is_not_run(workspace: Workspace, change: str, header: str) -> None:
    workspace.add_tables("001")
    workspace.add(
        "002", "CREATE TABLE t_002 (id int);", "-- DROP TABLE IF EXISTS t_002;", header=header
    )
    workspace.upgrade()
    run, terminal = asking(workspace)
    if change == "one more is applied":
        workspace.add_tables("003")
        workspace.upgrade()
    elif change == "its checksum is another":
        workspace.query("UPDATE schema_migrations SET rollback_checksum = 'x'")
    else:
        workspace.query(
            "UPDATE schema_migrations SET rollback_sql = 'DROP TABLE t_001;', checksum = 'x',"
            " rollback_checksum = encode(sha256('DROP TABLE t_001;'), 'hex')"
            " WHERE version = '002'"
        )
    before = workspace.versions()
    os.write(terminal, b"y\n")
    run.wait(60)
    said = os.read(terminal, 10000).decode()
    os.close(terminal)
    assert run.returncode == 1
    if change == "its checksum is another":
        changed = "the rollback SQL of 002 in public.schema_migrations was changed since it"
        assert changed in said
    else:
        assert "the database changed after the preview" in said
    assert workspace.versions() == before
    assert {"t_001", "t_002"} <= set(workspace.tables())


@pytest.mark.parametrize(
    "change",
    [
        "rollback_sql = 'DROP TABLE precious;', rollback_checksum = NULL",
        "rollback_sql = 'DROP TABLE precious;',"
        " rollback_checksum = encode(sha256('DROP TABLE precious;'), 'hex')",
        "rollback_sql = '', rollback_checksum = encode(sha256(''), 'hex')",
        "rollback_sql = '-- Transaction: none' || chr(10) || rollback_sql, rollback_checksum ="
        " encode(sha256(('-- Transaction: none' || chr(10) || rollback_sql)::bytea), 'hex')",
    ],
    ids=["no checksum", "both", "nothing", "a directive"],
)
@pytest.mark.parametrize("door", ["rollback", "alembic"])
def test_a_stored_rollback_that_is_not_the_files_is_refused(
    workspace: Workspace, change: str, door: str
) -> None:
    workspace.query("CREATE TABLE precious (id int)")
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query(f"UPDATE schema_migrations SET {change}")
    if door == "alembic":
        done = workspace.alembic("-n", "course", "downgrade", "-1")
    else:
        done = workspace.run("rollback", "--database", "course", "--yes")
    assert done.returncode == 1
    assert (
        "was changed since it was stored" in done.stderr or "differs from its file" in done.stderr
    )
    assert workspace.tables() == ["precious", "t_001"]
    done = workspace.run("rollback", "--database", "course", "--yes", "--use-file")
    assert done.returncode == 0, done.stderr
    assert workspace.tables() == ["precious"]


def test_an_irreversible_migration_stays_so_when_its_row_says_otherwise(
    workspace: Workspace,
) -> None:
    workspace.add("001", "CREATE TABLE a (id int);", header="-- Irreversible: gone is gone\n")
    workspace.upgrade()
    workspace.query(
        "UPDATE schema_migrations SET rollback_sql = 'DROP TABLE a;',"
        " rollback_checksum = encode(sha256('DROP TABLE a;'), 'hex')"
    )
    with pytest.raises(LedgerError, match="differs from its file"):
        workspace.downgrade("base")
    assert workspace.tables() == ["a"]


def test_passwords_in_what_would_run_are_not_shown(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;", "-- ALTER ROLE nobody PASSWORD 's3cret-pa55';")
    workspace.upgrade()
    for options in ((), ("--json",), ("--use-file",)):
        done = workspace.run("rollback", "--database", "course", "--dry-run", *options)
        assert done.returncode == 0, done.stderr
        assert "ALTER ROLE nobody PASSWORD" in done.stdout
        assert "s3cret" not in done.stdout + done.stderr
