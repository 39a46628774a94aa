"""The event log: what runs did, tried and failed to do, and that it never stands in their way."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from scripts import __version__
from scripts.embedded.server import Server
from scripts.errors import LedgerError, ServerError, StatementError
from tests.support.doors import DOORS
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def events(workspace: Workspace, columns: str = "event, version") -> list[tuple[Any, ...]]:
    return workspace.query(f"SELECT {columns} FROM schema_migrations_events ORDER BY id")


def test_each_step_leaves_a_start_and_a_success(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    assert events(workspace) == [
        ("start", "001"),
        ("success", "001"),
        ("start", "002"),
        ("success", "002"),
    ]


def test_a_row_tells_when_what_who_and_from_where(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMIT", "c0ffee")
    monkeypatch.setenv("CI_JOB_URL", "https://ci.example/run/7")
    workspace.add_tables("001")
    workspace.upgrade()
    checksum = workspace.state().applied[0].row.checksum
    [start, success] = events(
        workspace,
        "filename, checksum, direction, db_user, tool, git_commit, ci_run, run, host,"
        " at <= clock_timestamp(), duration_ms, lock_wait_ms",
    )
    same = ("001_step.sql", checksum, "up", "migrator", f"upskill-migrations {__version__} course")
    assert start[:5] == success[:5] == same
    assert start[5:7] == ("c0ffee", "https://ci.example/run/7")
    assert start[7:9] == success[7:9] != (None, None)
    assert start[9] is True
    assert start[10:] == (None, 0)
    assert success[10] >= 0
    assert success[11] == 0


def test_a_rollback_and_a_stamp_are_told_apart(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    workspace.downgrade("001")
    workspace.alembic("-n", "course", "stamp", "base")
    assert events(workspace, "event, version, direction")[4:] == [
        ("start", "002", "down"),
        ("rollback", "002", "down"),
        ("stamp", "base", None),
    ]


def test_a_failure_outlives_the_failed_transaction_with_line_and_sqlstate(
    workspace: Workspace,
) -> None:
    workspace.add("001", "CREATE TABLE a (id int);\nSELECT 1 / 0;")
    with pytest.raises(StatementError):
        workspace.upgrade()
    assert workspace.tables() == []
    start, failure = events(
        workspace, "event, version, statement, line, sqlstate, error, duration_ms"
    )
    assert start[:2] == ("start", "001")
    assert failure[:5] == ("failure", "001", 2, 6, "22012")
    assert "division by zero" in failure[5]
    assert failure[6] >= 0
    assert "statement: SELECT 1 / 0;" in failure[5]


def test_retries_that_were_given_up_have_a_row_of_their_own(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")
    workspace.add("001", "DO $$ BEGIN RAISE 'no lock' USING ERRCODE = '55P03'; END $$;")
    with pytest.raises(StatementError):
        workspace.upgrade()
    assert events(workspace, "event, sqlstate") == [
        ("start", None),
        ("retry given up", "55P03"),
        ("failure", "55P03"),
    ]


def test_a_refused_run_leaves_a_row_too(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    path = workspace.root / "sql/course/001_step.sql"
    path.write_text(path.read_text() + "-- late\n")
    with pytest.raises(LedgerError):
        workspace.upgrade()
    assert events(workspace, "event, version, error IS NOT NULL")[-1] == ("failure", None, True)


def test_a_refused_file_says_nothing_of_a_log_in_an_empty_database(workspace: Workspace) -> None:
    path = workspace.add("001", "SELECT 1;")
    path.write_text(path.read_text().replace("-- UP: Apply", "-- UPP: Apply"))
    for door in DOORS.values():
        done = workspace.execute(sys.executable, *door)
        assert done.returncode == 1
        assert done.stdout == ""
        assert "event log" not in done.stderr


def test_outside_a_transaction_each_statement_that_was_reached_is_there(
    workspace: Workspace,
) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int);\nCREATE INDEX CONCURRENTLY i ON a (id);\n"
        "SELECT 1 / 0;\nSELECT 2;",
        header="-- Transaction: none\n",
    )
    with pytest.raises(StatementError):
        workspace.upgrade()
    assert events(workspace, "event, statement, line") == [
        ("start", None, None),
        ("statement", 1, 6),
        ("statement", 2, 7),
        ("statement", 3, 8),
        ("failure", 3, 8),
    ]


class TestInTheWay:
    """The log can't be written."""

    def test_a_log_that_is_gone_is_made_anew(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        workspace.upgrade("001")
        workspace.query("DROP TABLE schema_migrations_events")
        workspace.upgrade()
        assert events(workspace) == [("start", "002"), ("success", "002")]

    @pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
    def test_a_log_that_refuses_is_said_and_the_migrations_run(
        self, workspace: Workspace, header: str
    ) -> None:
        workspace.query("CREATE TABLE schema_migrations_events (id int)")
        workspace.add("001", "CREATE TABLE a (id int);", header=header)
        workspace.add_tables("002")
        workspace.upgrade()
        assert workspace.versions() == ["001", "002"]
        [said] = workspace.recorder.notices
        assert said.startswith("cannot write the event log: ")
        assert said.endswith(" [42703]")

    def test_a_log_that_refuses_in_the_middle_stops_nothing_either(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001")
        workspace.add("002", "DO $$ BEGIN DROP TABLE schema_migrations_events; END $$;")
        workspace.add_tables("003")
        workspace.upgrade()
        assert workspace.versions() == ["001", "002", "003"]
        assert workspace.alembic_version() == ["003"]
        [said] = workspace.recorder.notices
        assert said.startswith(
            "cannot write the event log: 002_step.sql dropped or renamed it, or another "
            "session did: "
        )
        assert "does not exist [42P01]" in said

    def test_a_failed_migration_is_reported_as_ever(self, workspace: Workspace) -> None:
        workspace.query("CREATE TABLE schema_migrations_events (id int)")
        workspace.add("001", "SELECT 1 / 0;")
        with pytest.raises(StatementError, match="division by zero"):
            workspace.upgrade()


class TestStatus:
    """`status.py --events`."""

    def test_it_shows_the_last_ones_with_what_went_wrong(self, workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", "SELECT 1 / 0;")
        assert workspace.run("migrate", "--database", "course").returncode == 1
        done = workspace.run("status", "--database", "course", "--events", "2")
        assert done.returncode == 0
        first, _head, start, failure = done.stdout.splitlines()
        assert first == "course: the last 2 events"
        assert "start    002" in start
        assert "up 002_step.sql statement 1 line 5 division by zero [22012]" in failure

    def test_it_gives_them_as_json(self, workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.upgrade()
        done = workspace.run("status", "--events", "--json")
        by_name = {one["database"]: one["events"] for one in json.loads(done.stdout)["databases"]}
        assert by_name["auth"] is None
        assert [event["event"] for event in by_name["course"]] == ["start", "success"]
        assert by_name["course"][1]["filename"] == "001_step.sql"

    def test_without_a_log_it_says_so(self, workspace: Workspace) -> None:
        done = workspace.run("status", "--events", "--database", "auth")
        assert done.stdout == "auth: there is no event log: no run has created one yet\n"

    def test_a_count_that_is_none_is_wrong_usage(self, workspace: Workspace) -> None:
        assert workspace.run("status", "--events", "0").returncode == 2


def test_a_refused_commit_is_told_of_the_migration_that_it_was(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int REFERENCES a"
        " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);",
    )
    workspace.add_tables("002")
    with pytest.raises(ServerError, match="violates foreign key constraint"):
        workspace.upgrade()
    last = events(workspace, "event, version, filename, sqlstate, duration_ms IS NOT NULL")[-1]
    assert last[:4] == ("failure", "001", "001_step.sql", "23503")


def test_odd_bytes_from_outside_do_not_stop_a_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMIT", "\udcff\x1b[31m")
    monkeypatch.setenv("BUILD_URL", "https://bob:s3cret@ci.example/1\n2")
    workspace.add_tables("001")
    workspace.upgrade()
    [(commit, run)] = set(events(workspace, "git_commit, ci_run"))
    assert commit == "?[31m"
    assert run == "https://ci.example/12"


def test_a_database_of_another_encoding_keeps_its_rows(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(name,)] = workspace.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        admin.autocommit = True
        cursor = admin.cursor()
        cursor.execute(
            f"CREATE DATABASE {name}_latin1 OWNER migrator ENCODING 'LATIN1' LOCALE 'C'"
            " TEMPLATE template0"
        )
        url = workspace.urls["course"]
        workspace.urls = {**workspace.urls, "course": url.replace(name, f"{name}_latin1")}
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.add("001", f"SELECT 1 / 0 AS x{', 1' * 100};")
        with pytest.raises(StatementError):
            workspace.upgrade()
        assert workspace.recorder.notices == []
        assert "\\u2026" in events(workspace, "error")[-1][0]
        cursor.execute(f"DROP DATABASE {name}_latin1 WITH (FORCE)")


def test_what_is_stored_can_not_steer_a_terminal(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query(
        "INSERT INTO schema_migrations_events (event, version, error)"
        " VALUES ('failure', E'9\\nFAKE', E'\\x1b]0;pwn\\x07')"
    )
    done = workspace.run("status", "--database", "course", "--events")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "9\\nFAKE" in done.stdout
