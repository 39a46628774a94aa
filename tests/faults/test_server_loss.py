"""The server, a backend or a file goes away in the middle."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.observer import Direction
from scripts.engine.session import lock
from scripts.engine.settings import TableName
from scripts.errors import (
    HistoryError,
    LedgerError,
    MigrationError,
    ServerError,
    StatementError,
)
from tests.support.proxy import Proxy, proxy
from tests.support.servers import OwnServer, own_server, until
from tests.support.workspace import Recorder, Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"
ASLEEP = "wait_event = 'PgSleep'"
"""A backend that is inside a pg_sleep: `state` and `query` are true a moment earlier."""


class Interference(Recorder):
    """Does something when a migration begins."""

    def __init__(self, filename: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._filename = filename
        self._act = act

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        if filename == self._filename:
            self._act()


def backend(workspace: Workspace, condition: str) -> str:
    return (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        f" AND application_name LIKE 'upskill%' AND {condition}"
    )


def terminate(workspace: Workspace, condition: str) -> None:
    """Terminate the run's backend of that condition, once there is one."""
    # Found and ended in one statement: in between it might be at something else. By psql: the wait
    # callback of psycopg2 is the whole process's, and comes and goes with the run.
    end = f"SELECT pg_terminate_backend(pid) FROM ({backend(workspace, condition)}) b"
    psql = [str(workspace.bin / "psql"), "-XAt", "-c", end, workspace.urls["course"]]
    until(lambda: subprocess.run(psql, capture_output=True, check=True).stdout, condition)


class TestBackend:
    """`pg_terminate_backend`, and what a failover does to a connection."""

    def test_in_the_middle_of_a_migration(self, workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
        workspace.add_tables("003")
        end = threading.Thread(
            target=terminate, args=(workspace, f"{ASLEEP} AND query LIKE '%pg_sleep%'")
        )
        end.start()
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
        end.join(30)
        assert "course: 002_step.sql: " in caught.value.what
        assert "terminating connection due to administrator command" in caught.value.detail
        assert caught.value.where == "sql/course/002_step.sql:6"
        assert caught.value.state == "rolled back; course is at 001"
        assert workspace.tables() == ["t_001"]
        [(event, line)] = workspace.query(
            "SELECT event, line FROM schema_migrations_events ORDER BY id DESC LIMIT 1"
        )
        assert (event, line) == ("failure", 6)

    def test_between_two_migrations(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        workspace.recorder = Interference(
            "002_step.sql",
            lambda: terminate(workspace, "state = 'idle' AND query LIKE 'COMMIT%'"),
        )
        with pytest.raises(MigrationError) as caught:
            workspace.upgrade()
        assert caught.value.state == "rolled back; course is at 001"
        assert workspace.versions() == ["001"]
        workspace.recorder = Recorder()
        workspace.upgrade()
        assert workspace.versions() == ["001", "002"]

    @pytest.mark.parametrize("more", [False, True], ids=["the last one", "one more to do"])
    def test_in_the_middle_of_a_commit_that_was_lost(
        self, workspace: Workspace, more: bool
    ) -> None:
        slow_commit(workspace, "001")
        if more:
            workspace.add_tables("002")
        end = threading.Thread(target=terminate, args=(workspace, f"{ASLEEP} AND query = 'COMMIT'"))
        end.start()
        with pytest.raises(ServerError) as caught:
            workspace.upgrade()
        end.join(30)
        assert "the connection was lost while 001_step.sql was being committed" in caught.value.what
        assert caught.value.what.endswith("; it was not, as the ledger shows")
        assert caught.value.state == "rolled back; course is at base"
        assert workspace.tables() == []
        assert workspace.recorder.results == []


def slow_commit(workspace: Workspace, version: str) -> None:
    """Write a migration whose commit takes its time."""
    workspace.add(
        version,
        "CREATE TABLE a (id int);\n"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;\n"
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION f();\nINSERT INTO a VALUES (1);",
    )


def test_a_commit_that_the_server_refuses_is_told_with_its_file(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add(
        "002",
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int REFERENCES a"
        " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);",
    )
    with pytest.raises(ServerError) as caught:
        workspace.upgrade()
    assert caught.value.what == "course: 002_step.sql: PostgreSQL refused the commit"
    assert "violates foreign key constraint" in caught.value.detail
    assert "[23503]" in caught.value.detail
    assert caught.value.state == "rolled back; course is at 001"
    assert [result.version for result in workspace.recorder.results] == ["001"]


class TestWaitingForItsTurn:
    """What goes away while a run waits for another one."""

    @pytest.fixture
    def waiting(self, workspace: Workspace) -> Iterator[tuple[Workspace, threading.Thread]]:
        """A run that waits, and that goes on when the fixture's user is done."""
        workspace.add_tables("001")
        with closing(psycopg2.connect(workspace.urls["course"])) as raw:
            table = TableName("public", "schema_migrations")
            with lock.held(raw, "course", table, 0, lambda _: None):
                run = threading.Thread(target=workspace.upgrade)
                run.start()
                until(lambda: workspace.recorder.notices, "the run to wait")
                yield workspace, run
        run.join(60)
        assert workspace.versions() == ["001"]
        assert [result.version for result in workspace.recorder.results] == ["001"]

    @pytest.mark.parametrize("which", ["first", "second"])
    def test_one_of_its_two_connections(
        self, waiting: tuple[Workspace, threading.Thread], which: str
    ) -> None:
        workspace, run = waiting
        order = "min" if which == "first" else "max"
        terminate(
            workspace,
            f"backend_start = (SELECT {order}(backend_start) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'upskill%')",
        )
        if which == "second":
            until(
                lambda: "the connection that waits" in "".join(workspace.recorder.notices),
                "the run to notice",
            )
        assert run.is_alive()


class TestLostAnswer:
    """The network swallows the answer to a COMMIT that has taken effect."""

    @pytest.fixture
    def proxied(self, workspace: Workspace) -> Iterator[tuple[Workspace, Proxy]]:
        with own_server() as server, proxy(server.port) as between:
            workspace.urls = {**workspace.urls, "course": server.tcp_url(port=between.port)}
            workspace.add_tables("001", "002")
            yield workspace, between

    def test_the_last_step_counts_as_done(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.upgrade()
        assert between.swallowed == 1
        assert [result.version for result in workspace.recorder.results] == ["001", "002"]
        assert workspace.recorder.notices == [
            "the connection was lost while 002_step.sql was being committed; "
            "the ledger shows that it was committed"
        ]
        assert workspace.versions() == ["001", "002"]

    def test_with_more_to_do_the_run_ends_and_says_where(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.recorder = Interference("001_step.sql", between.swallow_next_commit)
        with pytest.raises(ServerError, match="connection was lost while 001_step") as caught:
            workspace.upgrade()
        assert caught.value.state == "committed, as the ledger shows; course is at 001"
        assert workspace.versions() == ["001"]
        workspace.upgrade()
        assert workspace.versions() == ["001", "002"]

    def test_a_login_that_needs_its_role_looks_it_up_as_well(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        url = workspace.urls["course"]
        workspace.query(
            "CREATE ROLE owner; CREATE ROLE login LOGIN NOINHERIT IN ROLE owner;"
            "CREATE SCHEMA own AUTHORIZATION owner"
        )
        monkeypatch.setenv("COURSE_DB_URL", url.replace("postgres@", "login@"))
        monkeypatch.setenv("MIGRATION_ROLE", "owner")
        monkeypatch.setenv("MIGRATION_TABLE", "own.ledger")
        for path in (workspace.root / "sql/course").iterdir():
            path.write_text(path.read_text().replace(" t_00", " own.t_00"))
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.upgrade()
        assert between.swallowed == 1
        assert "the ledger shows that it was committed" in workspace.recorder.notices[-1]

    def test_a_rollback_is_looked_up_as_well(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade()
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.downgrade("001")
        assert between.swallowed == 1
        assert "the ledger shows that it was committed" in workspace.recorder.notices[-1]
        assert workspace.versions() == ["001"]


class TestServer:
    """`kill -9` on the postmaster."""

    @pytest.fixture
    def own(self) -> Iterator[OwnServer]:
        with own_server() as server:
            yield server

    @pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
    def test_it_is_killed_restarted_and_the_run_repeated(
        self, workspace: Workspace, own: OwnServer, header: str
    ) -> None:
        workspace.urls = {**workspace.urls, "course": own.url()}
        workspace.add_tables("001")
        workspace.add("002", "SELECT pg_sleep(:wait);", header=header)
        path = workspace.root / "sql/course/002_step.sql"
        text = path.read_text()
        path.write_text(text.replace(":wait", "600"))
        run = subprocess.Popen(
            [sys.executable, "scripts/migrate.py", "--database", "course"],
            cwd=workspace.root,
            env=workspace.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(
            lambda: workspace.query(backend(workspace, ASLEEP)),
            "the statement to run",
        )
        own.kill()
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 1
        assert "error:  course: 002_step.sql: " in said
        assert "at:     sql/course/002_step.sql:" in said
        if header:
            assert "0 of its 1 statements have taken effect, and of the one that was " in said
        assert "course is at 001" in said
        assert "Traceback" not in said
        own.start()
        assert workspace.versions() == ["001"]
        path.write_text(text.replace(":wait", "0"))
        done = workspace.run("migrate", "--database", "course")
        assert done.returncode == 0, done.stderr
        assert workspace.versions() == ["001", "002"]


@pytest.mark.parametrize(
    ("code", "name"), [("53100", "disk_full"), ("53200", "out_of_memory"), ("XX000", "internal")]
)
def test_an_error_of_the_server_is_rolled_back_and_told_in_full(
    workspace: Workspace, code: str, name: str
) -> None:
    workspace.add_tables("001")
    workspace.add(
        "002",
        f"CREATE TABLE a (id int);\nDO $$ BEGIN RAISE '{name}' USING ERRCODE = '{code}',"
        " DETAIL = 'no space', HINT = 'free some'; END $$;",
    )
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    text = str(caught.value)
    for part in (
        "course: 002_step.sql: PostgreSQL refused a statement",
        "sql/course/002_step.sql:6",
        f"{name} [{code}]",
        "detail: no space",
        "hint: free some",
        f"statement: DO $$ BEGIN RAISE '{name}'",
        "rolled back; course is at 001",
    ):
        assert part in text
    assert workspace.tables() == ["t_001"]


@pytest.mark.parametrize(
    "door", [("scripts/status.py",), ("-m", "alembic", "-n", "course", "upgrade", "head")]
)
def test_a_ledger_that_is_locked_is_not_waited_for_without_end(
    workspace: Workspace, door: tuple[str, ...]
) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE schema_migrations")
        done = workspace.execute(
            sys.executable, *door, environment={"MIGRATION_LOCK_TIMEOUT": "200ms"}
        )
    assert done.returncode == 1
    assert "error:  course: the ledger can't be read" in done.stderr
    assert "canceling statement due to lock timeout [55P03]" in done.stderr
    assert "state:  nothing was changed" in done.stderr
    assert workspace.versions() == ["001"]


def test_an_event_log_that_is_locked_is_done_without(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "200ms")
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE schema_migrations_events")
        workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
    [said] = workspace.recorder.notices
    assert said.startswith(
        "the event log can't be written: canceling statement due to lock timeout"
    )


class TestEdits:
    """Files and ledger changed by somebody else while a run is at work."""

    def test_a_file_that_is_edited_after_it_was_read_runs_as_it_was(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001", "002")
        path = workspace.root / "sql/course/002_step.sql"
        workspace.recorder = Interference(
            "001_step.sql", lambda: path.write_text(path.read_text() + "-- more\n")
        )
        workspace.upgrade()
        assert [one.row.version for one in workspace.state().changed] == ["002"]

    def test_one_too_large_to_be_kept_is_not_run_when_it_changed(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scripts.engine.run.plan._KEEP_CHARACTERS", 1)
        workspace.add_tables("001", "002")
        path = workspace.root / "sql/course/002_step.sql"
        workspace.recorder = Interference(
            "001_step.sql", lambda: path.write_text(path.read_text() + "-- -- more\n")
        )
        with pytest.raises(HistoryError, match="was changed while the run was at work") as caught:
            workspace.upgrade()
        assert caught.value.where == "sql/course/002_step.sql"
        assert caught.value.state == "it was not run; course is at 001"
        assert workspace.versions() == ["001"]

    def test_a_row_written_by_somebody_else_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        row = "INSERT INTO schema_migrations (version, filename, checksum) VALUES ('002', 'x', 'y')"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(row))
        with pytest.raises(LedgerError, match=r"the ledger .* can't be written") as caught:
            workspace.upgrade()
        assert "duplicate key value" in caught.value.detail
        assert caught.value.state == "rolled back; course is at 001"
        assert workspace.tables() == ["t_001"]

    def test_outside_a_transaction_what_ran_is_told_when_the_ledger_refuses(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE IF NOT EXISTS b (id int);", header=OUTSIDE)
        row = "INSERT INTO schema_migrations (version, filename, checksum) VALUES ('002', 'x', 'y')"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(row))
        with pytest.raises(LedgerError) as caught:
            workspace.upgrade()
        assert caught.value.state == (
            "NOT rolled back, the file runs outside a transaction: all of its statements have "
            "taken effect, and the ledger lacks it; course is at 001"
        )
        assert workspace.tables() == ["b", "t_001"]

    def test_a_version_moved_by_somebody_else_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        move = "UPDATE alembic_version SET version_num = '777'"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(move))
        with pytest.raises(LedgerError, match="alembic_version is no longer at 001"):
            workspace.upgrade()
        assert workspace.tables() == ["t_001"]

    def test_a_ledger_that_is_dropped_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        workspace.recorder = Interference(
            "002_step.sql", lambda: workspace.query("DROP TABLE schema_migrations")
        )
        with pytest.raises(LedgerError, match="can't be written"):
            workspace.upgrade()
        assert workspace.tables() == ["t_001"]

    def test_a_stored_rollback_that_was_tampered_with_is_refused_with_both_checksums(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001")
        workspace.upgrade()
        workspace.query("UPDATE schema_migrations SET rollback_sql = 'DROP SCHEMA public CASCADE'")
        with pytest.raises(LedgerError, match="is not what was stored") as caught:
            workspace.downgrade("base")
        assert len(set(re.findall(r"\b[0-9a-f]{64}\b", caught.value.detail))) == 2
        assert "--use-file" in caught.value.way_out
        assert workspace.tables() == ["t_001"]
        workspace.downgrade("base", use_file=True)
        assert workspace.tables() == []
