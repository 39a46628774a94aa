"""`python scripts/migrate.py`, as a person types it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def both(workspace: Workspace) -> Workspace:
    """One migration for auth, three for course."""
    workspace.add_tables("001", environment="auth")
    workspace.add_tables("001", "002", "003")
    return workspace


def test_it_applies_all_pending_migrations_of_all_databases(both: Workspace) -> None:
    done = both.run("migrate")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [re.sub(r" \(.*|\S+@.*|in \d.* m?s,", "…", line) for line in done.stdout.splitlines()]
    assert lines == [
        "auth: 1 migration to apply on …",
        "auth: applied 001_step.sql…",
        "auth: 1 migration applied … at 001",
        "course: 3 migrations to apply on …",
        "course: applied 001_step.sql…",
        "course: applied 002_step.sql…",
        "course: applied 003_step.sql…",
        "course: 3 migrations applied … at 003",
    ]
    again = both.run("migrate").stdout.splitlines()
    assert [one.partition(" migrator@")[0] for one in again] == [
        "auth: nothing to do, at 001 on",
        "course: nothing to do, at 003 on",
    ]


def test_one_database_up_to_a_version_compared_as_a_number(both: Workspace) -> None:
    assert both.run("migrate", "--database", "course", "--to", "2").returncode == 0
    assert both.versions() == ["001", "002"]
    assert both.tables("auth") == []


def test_a_version_that_is_not_there_is_wrong_usage(both: Workspace) -> None:
    done = both.run("migrate", "--database", "course", "--to", "7")
    assert done.returncode == 2
    assert "course has no version '7'" in done.stderr
    assert "versions in sql/course: 001 to 003" in done.stderr


def test_a_version_that_the_database_is_past_names_the_rollback(both: Workspace) -> None:
    both.upgrade()
    done = both.run("migrate", "--database", "course", "--to", "1")
    assert done.returncode == 2
    assert "course is at 003, past 001" in done.stderr
    assert "python scripts/rollback.py --database course --to 001" in done.stderr


def test_a_mistyped_database_is_wrong_usage_with_a_suggestion(both: Workspace) -> None:
    done = both.run("migrate", "--database", "cours")
    assert done.returncode == 2
    assert "did you mean 'course'?" in done.stderr


class TestFile:
    """--file runs one migration, the next one."""

    def test_it_runs_that_one_alone(self, workspace: Workspace) -> None:
        workspace.add("001", "CREATE TABLE a (id int);", slug="make_a")
        workspace.add("002", "CREATE TABLE b (id int);", slug="make_b")
        done = workspace.run("migrate", "--file", "001_make_a.sql")
        assert done.returncode == 0
        assert workspace.tables() == ["a"]

    def test_applied_already_is_said_and_is_success(self, workspace: Workspace) -> None:
        workspace.add("001", "CREATE TABLE a (id int);", slug="make_a")
        workspace.upgrade()
        done = workspace.run("migrate", "--file", "001_make_a.sql")
        assert done.returncode == 0
        assert done.stdout.startswith("course: 001_make_a.sql is already applied on migrator@")

    def test_what_comes_before_it_is_named(self, workspace: Workspace) -> None:
        for version in ("001", "002", "003"):
            workspace.add(version, "SELECT 1;", slug=f"s{version}")
        done = workspace.run("migrate", "--file", "003_s003.sql")
        assert done.returncode == 2
        assert "003_s003.sql is not the next migration" in done.stderr
        assert "001_s001.sql\n        002_s002.sql" in done.stderr
        assert workspace.state().applied == ()

    def test_a_name_in_both_databases_wants_a_choice(self, both: Workspace) -> None:
        done = both.run("migrate", "--file", "001_step.sql")
        assert done.returncode == 2
        assert "001_step.sql is in sql/auth, sql/course" in done.stderr
        chosen = both.run("migrate", "--file", "001_step.sql", "--database", "auth")
        assert chosen.returncode == 0
        assert both.tables("auth") == ["t_001"]

    @pytest.mark.parametrize(
        "path",
        [
            "sql/course/001_step.sql",
            "./sql/../sql/course/001_step.sql",
            "{root}/sql/course/001_step.sql",
        ],
    )
    @pytest.mark.parametrize("elsewhere", [False, True])
    def test_a_path_is_as_good_as_a_name(
        self, both: Workspace, tmp_path: Path, path: str, elsewhere: bool
    ) -> None:
        file = path.format(root=both.root)
        script = both.root / "scripts/migrate.py"
        cwd = tmp_path if elsewhere else both.root
        done = both.execute(sys.executable, str(script), "--file", file, cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert both.tables("course") == ["t_001"]
        assert both.tables("auth") == []

    def test_what_create_prints_can_be_given(self, workspace: Workspace) -> None:
        made = workspace.run("create", "--database", "course", "--name", "first").stdout
        file = made.splitlines()[0]
        path = workspace.root / file
        path.write_text(path.read_text().replace("\n-- DOWN", "CREATE TABLE a ();\n-- DOWN", 1))
        done = workspace.run("migrate", "--file", file)
        assert done.returncode == 0, done.stderr
        assert workspace.tables() == ["a"]

    @pytest.mark.parametrize(
        "name",
        [
            "004_none.sql",
            "../course/001_step.sql",
            "sql/001_step.sql",
            "/etc/passwd",
            "sql/course/",
        ],
    )
    def test_a_name_that_is_no_file_of_the_folder_is_refused(
        self, both: Workspace, name: str
    ) -> None:
        done = both.run("migrate", "--file", name)
        assert done.returncode == 2
        assert f"there is no {name} in sql/auth, sql/course" in done.stderr


def test_a_dry_run_names_what_would_run_and_changes_nothing(both: Workspace) -> None:
    both.add("004", "CREATE INDEX CONCURRENTLY i ON t_001 (id);", header="-- Transaction: none\n")
    done = both.run("migrate", "--dry-run", "--database", "course")
    assert done.stdout.startswith(
        "course: would apply 001_step.sql (1 statement, in one transaction, lock timeout 5.0 s)\n"
        "  line 5\n"
        "    CREATE TABLE IF NOT EXISTS t_001 (id int PRIMARY KEY);\n"
    )
    assert done.stdout.endswith(
        "course: would apply 004_step.sql (1 statement, without a transaction, lock timeout "
        "5.0 s)\n"
        "  line 6\n"
        "    CREATE INDEX CONCURRENTLY i ON t_001 (id);\n"
    )
    assert both.dump() == both.dump("auth")


def test_json_is_one_object_a_line_and_nothing_else(both: Workspace) -> None:
    done = both.run("migrate", "--json", "--database", "course", "--to", "1")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["planned", "started", "finished", "ended"]
    assert len({event["run"] for event in events}) == 1
    finished = {
        key: value for key, value in events[2].items() if key not in ("duration_ms", "run", "time")
    }
    assert finished == {
        "event": "finished",
        "database": "course",
        "version": "001",
        "filename": "001_step.sql",
        "direction": "up",
        "statements": 1,
    }


def test_a_failure_is_json_on_stdout_and_words_on_stderr(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1/0;")
    done = workspace.run("migrate", "--json")
    assert done.returncode == 1
    failed = json.loads(done.stdout.splitlines()[-1])
    assert failed["event"] == "failed"
    assert failed["at"] == "sql/course/001_step.sql:5"
    assert failed["error"] == "division by zero [22012]"
    assert failed["state"] == "rolled back; course is at base"
    assert done.stderr.startswith("error:  division by zero [22012]\nat:     course: ")


def test_a_malformed_file_of_the_second_database_stops_the_first_one_too(both: Workspace) -> None:
    both.add("004", "SELECT 'open;")
    done = both.run("migrate")
    assert done.returncode == 1
    assert "sql/course/004_step.sql:5" in done.stderr
    assert both.tables("auth") == both.tables("course") == []


def test_a_missing_url_names_the_variable_and_a_way_to_try_things_out(both: Workspace) -> None:
    done = both.run("migrate", environment={"COURSE_DB_URL": ""})
    assert done.returncode == 2
    assert "COURSE_DB_URL is not set" in done.stderr
    assert "embedded://course" in done.stderr
    assert both.tables("auth") == []


def test_a_password_is_in_no_message(both: Workspace) -> None:
    for url in (
        "postgresql://someone:s3cr3t@127.0.0.1:1/course",
        "postgresql://someone:s3cr3t@[::1/course",
        "postgresql://someone:s3cr3t/x@127.0.0.1:1/course",
        "mysql://someone:s3cr3t@127.0.0.1/course",
        "postgresql://someone:s3cr3t@127.0.0.1:1/course?unknown=s3cr3t",
    ):
        done = both.run("migrate", "--database", "course", environment={"COURSE_DB_URL": url})
        assert done.returncode in (1, 2)
        assert "course" in done.stderr.lower()
        assert "s3cr3t" not in done.stdout + done.stderr


def test_it_works_from_another_directory_and_paths_are_then_whole(both: Workspace) -> None:
    both.add("004", "SELECT 1/0;")
    script = str(both.root / "scripts" / "migrate.py")
    done = both.execute(sys.executable, script, cwd="/")
    assert done.returncode == 1
    assert f"at:     course: {both.root}/sql/course/004_step.sql:5" in done.stderr
    assert both.versions() == ["001", "002", "003"]
