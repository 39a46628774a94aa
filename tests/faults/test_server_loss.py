"""The server or a backend goes away in the middle, or says that it can't go on."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.session import lock
from scripts.engine.settings import TableName
from scripts.errors import (
    MigrationError,
    ServerError,
    StatementError,
)
from tests.support.doors import DOORS, start
from tests.support.interference import Interference, backend, terminate
from tests.support.servers import SLEEPS, OwnServer, until
from tests.support.workspace import Recorder, Workspace

pytestmark = pytest.mark.database
# The server shows the beginning of a message: what commits a migration and begins the next is long.
COMMITS = "(query = 'COMMIT' OR query LIKE 'SAVEPOINT upskill_note;%')"


class TestBackend:
    """`pg_terminate_backend`, and what a failover does to a connection."""

    def test_in_the_middle_of_a_migration(self, workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
        workspace.add_tables("003")
        end = threading.Thread(
            target=terminate, args=(workspace, f"{SLEEPS} AND query LIKE '%pg_sleep%'")
        )
        end.start()
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
        end.join(30)
        assert caught.value.where == "sql/course/002_step.sql:6"
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
            lambda: terminate(workspace, f"state = 'idle in transaction' AND {COMMITS}"),
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
        end = threading.Thread(target=terminate, args=(workspace, f"{SLEEPS} AND {COMMITS}"))
        end.start()
        with pytest.raises(ServerError) as caught:
            workspace.upgrade()
        end.join(30)
        assert "the connection was lost while 001_step.sql was being committed" in caught.value.what
        assert caught.value.what.endswith("; the ledger shows that it was not committed")
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


class TestWaitingForItsTurn:
    """What goes away while a run waits for another one."""

    @pytest.fixture
    def waiting(self, workspace: Workspace) -> Iterator[tuple[Workspace, threading.Thread]]:
        """A run that waits, and that goes on when the fixture's user is done."""
        workspace.add_tables("001")
        with closing(psycopg2.connect(workspace.urls["course"])) as raw:
            table = TableName("public", "schema_migrations")
            with lock.held(raw, table, 0, 10, lambda _: None):
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


class TestServer:
    """`kill -9` on the postmaster."""

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
        run = start(workspace, *DOORS["migrate"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until(
            lambda: workspace.query(backend(SLEEPS)),
            "the statement to run",
        )
        own.kill()
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 1
        assert "error:  the connection was lost" in said
        assert "at:     course: sql/course/002_step.sql:" in said
        if header:
            assert "0 of its 1 statement took effect, and it is unknown whether" in said
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
        f"error:  {name} [{code}]\nat:     course: sql/course/002_step.sql:6\n",
        "detail: no space",
        "hint: free some",
        f"statement: DO $$ BEGIN RAISE '{name}'",
        "rolled back; course is at 001",
    ):
        assert part in text
    assert workspace.tables() == ["t_001"]
