"""One run per database at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from scripts import __version__
from scripts.engine.session import lock
from scripts.engine.settings import TableName
from scripts.errors import LockError
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
TABLE = TableName("public", "schema_migrations")
RUNNERS = 8


@contextmanager
def another_run(workspace: Workspace) -> Iterator[int]:
    """Hold the lock as another run does; gives the pid of its session."""
    with (
        closing(psycopg2.connect(workspace.urls["course"], application_name="other run")) as raw,
        lock.held(raw, "course", TABLE, 0, workspace.recorder.notices.append),
    ):
        yield raw.info.backend_pid


@pytest.mark.parametrize("door", ["alembic", "migrate"])
def test_a_run_that_waited_in_vain_names_the_holder_and_exits_with_4(
    workspace: Workspace, door: str
) -> None:
    workspace.add_tables("001")
    command = {
        "alembic": ("-m", "alembic", "-n", "course", "upgrade", "head"),
        "migrate": ("scripts/migrate.py", "--database", "course"),
    }[door]
    with another_run(workspace) as pid:
        done = workspace.execute(
            sys.executable, *command, environment={"MIGRATION_LOCK_WAIT": "1s"}
        )
    assert done.returncode == 4
    assert f"course: waiting for another run: pid {pid} (other run), migrator on" in (
        done.stdout + done.stderr
    )
    assert "error:  course: another run did not end within 1.0 s" in done.stderr
    assert "state:  nothing was changed" in done.stderr
    assert f"pg_terminate_backend({pid})" in done.stderr
    assert workspace.tables() == []


def test_both_connections_say_tool_version_and_environment(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE seen AS SELECT application_name FROM pg_stat_activity"
        " WHERE datname = current_database();",
        "-- DROP TABLE seen;",
    )
    workspace.upgrade()
    assert (
        workspace.query("SELECT * FROM seen") == [(f"upskill-migrations {__version__} course",)] * 2
    )


def test_a_waiting_run_goes_on_when_the_other_has_ended(workspace: Workspace) -> None:
    workspace.add_tables("001")
    with another_run(workspace):
        waiting = threading.Thread(target=workspace.upgrade)
        waiting.start()
        while not workspace.recorder.notices:
            waiting.join(0.01)
        assert workspace.tables() == []
    waiting.join(30)
    assert workspace.versions() == ["001"]


def test_a_run_that_finds_nothing_to_do_takes_no_lock(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    monkeypatch.setenv("MIGRATION_LOCK_WAIT", "1ms")
    with another_run(workspace):
        workspace.upgrade("001")
        workspace.remove("002")
        workspace.upgrade("head")
        assert workspace.alembic("-n", "course", "current").returncode == 0


@pytest.mark.parametrize("command", ["downgrade", "stamp"])
def test_a_rollback_and_a_stamp_wait_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    with another_run(workspace):
        done = workspace.alembic(
            "-n", "course", command, "base", environment={"MIGRATION_LOCK_WAIT": "1ms"}
        )
    assert done.returncode == 4
    assert workspace.versions() == ["001"]


def test_another_ledger_in_the_same_database_has_a_lock_of_its_own(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001")
    monkeypatch.setenv("MIGRATION_TABLE", "ops.ledger")
    monkeypatch.setenv("MIGRATION_LOCK_WAIT", "1ms")
    with another_run(workspace):
        workspace.upgrade()
    assert workspace.query("SELECT version FROM ops.ledger") == [("001",)]


def test_a_run_that_lost_its_lock_stops_before_the_next_migration(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database());",
        "-- SELECT 1;",
    )
    workspace.add_tables("002")
    with pytest.raises(LockError, match="the lock that keeps other runs out was lost") as caught:
        workspace.upgrade()
    assert caught.value.state == "course is at 001"
    assert workspace.versions() == ["001"]
    workspace.upgrade()
    assert workspace.versions() == ["001", "002"]


def test_the_lock_outlives_the_timeouts_for_forgotten_transactions(workspace: Workspace) -> None:
    name = workspace.query("SELECT current_database()")[0][0]
    workspace.query(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '50ms'")
    # Whoever looks must not be ended by it.
    lasting = "-c idle_in_transaction_session_timeout=0"
    with (
        another_run(workspace) as pid,
        closing(psycopg2.connect(workspace.urls["course"], options=lasting)) as looking,
        looking.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(0.2)")
        cursor.execute(f"SELECT state FROM pg_stat_activity WHERE pid = {pid}")
        assert cursor.fetchall() == [("idle in transaction",)]


@pytest.mark.parametrize("concurrently", [False, True], ids=["plain", "concurrently"])
def test_of_many_that_start_together_each_migration_runs_once(
    workspace: Workspace, tmp_path: Path, concurrently: bool
) -> None:
    workspace.query("CREATE TABLE runs (version text)")
    for version in ("001", "002", "003"):
        workspace.add(
            version,
            f"INSERT INTO runs VALUES ('{version}');\nCREATE TABLE t_{version} (id int);",
            f"-- DROP TABLE t_{version};",
        )
    if concurrently:
        workspace.add(
            "004",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t_001 (id);\n"
            "INSERT INTO runs VALUES ('004');",
            "-- DROP INDEX CONCURRENTLY IF EXISTS i;",
            header="-- Transaction: none\n",
        )
    runners = [
        subprocess.Popen(
            [sys.executable, "scripts/migrate.py", "--database", "course"],
            cwd=workspace.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(RUNNERS)
    ]
    ended = [(runner.communicate(timeout=120)[1], runner.returncode) for runner in runners]
    assert ended == [("", 0)] * RUNNERS
    expected = ["001", "002", "003", "004"][: 3 + concurrently]
    assert workspace.versions() == expected
    assert workspace.query("SELECT version FROM runs ORDER BY 1") == [(v,) for v in expected]


def test_a_last_migration_that_ends_the_locks_session_counts_as_applied(
    workspace: Workspace,
) -> None:
    workspace.add(
        "001",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid();",
    )
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert workspace.versions() == ["001"]


@pytest.mark.parametrize("table", ["schema_migrations", "alembic_version"])
def test_a_stamp_does_not_wait_without_end_for_its_tables(workspace: Workspace, table: str) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        done = workspace.alembic(
            "-n",
            "course",
            "stamp",
            "002",
            environment={"MIGRATION_LOCK_TIMEOUT": "200ms"},
            timeout=30,
        )
    assert done.returncode == 1
    assert "[55P03]" in done.stderr
    assert "Traceback" not in done.stderr
    assert workspace.alembic_version() == ["001"]


HELD, LATER = 41, 42
"""Advisory locks of a test, at which the statements of a file wait."""
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 0"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND objid = {}"
)
HOLDER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid <> 0"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class TwoRuns:
    """A run inside a file outside a transaction, and another one that waits for it."""

    def __init__(self, workspace: Workspace, first: str, *then: str) -> None:
        self.workspace = workspace
        workspace.query("CREATE TABLE ran (at serial, statement int, pid int)")
        workspace.query("CREATE TABLE open ()")
        workspace.add_tables("001")
        workspace.upgrade()
        statements = [
            f"INSERT INTO ran (statement, pid) SELECT {number}, pg_backend_pid() {wait};"
            for number, wait in enumerate((first, *then), start=1)
        ]
        workspace.add("002", "\n".join(statements), header="-- Transaction: none\n")
        self.gate = psycopg2.connect(workspace.urls["course"])
        self.gate.autocommit = True

    def start(self, door: str) -> subprocess.Popen[str]:
        command = {
            "alembic": ("-m", "alembic", "-n", "course", "upgrade", "head"),
            "migrate": ("scripts/migrate.py", "--database", "course"),
        }[door]
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.workspace.root,
            # However long the test takes: a statement that is held must not be tried again.
            env={**self.workspace.variables, "MIGRATION_LOCK_TIMEOUT": "10min"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, text: str) -> None:
        with self.gate.cursor() as cursor:
            cursor.execute(text)

    def count(self, at: int) -> int:
        return int(self.workspace.query(WAITING.format(at))[0][0])

    def lose(self) -> int:
        """End the session of the first run that holds the lock; gives its pid."""
        [(pid,)] = self.workspace.query(HOLDER)
        self.workspace.query(f"SELECT pg_terminate_backend({pid})")
        return int(pid)

    def order(self) -> list[list[int]]:
        """Return the statements that each session ran, in order."""
        rows = self.workspace.query("SELECT pid, statement FROM ran ORDER BY at")
        sessions = dict.fromkeys(pid for pid, _ in rows)
        return [[statement for of, statement in rows if of == pid] for pid in sessions]


def wait(at: int) -> str:
    """Return what has a statement wait until a test lets it go, or has opened the way."""
    locked = f"pg_advisory_xact_lock_shared({at})::text"
    return f"FROM (SELECT CASE WHEN NOT EXISTS (SELECT FROM open) THEN {locked} END OFFSET 0) gate"


@pytest.mark.parametrize("door", ["alembic", "migrate"])
def test_a_run_that_lost_its_lock_in_a_file_outside_a_transaction_stops_before_the_next_statement(
    workspace: Workspace, door: str
) -> None:
    runs = TwoRuns(workspace, wait(HELD), wait(LATER), "")
    with closing(runs.gate):
        runs.do(f"SELECT pg_advisory_lock({HELD}), pg_advisory_lock({LATER})")
        first = runs.start(door)
        until(lambda: runs.count(HELD) == 1, "the first run to be at its statement")
        second = runs.start("migrate")
        assert second.stdout
        assert "waiting for another run" in second.stdout.readline()
        runs.lose()
        until(lambda: runs.count(HELD) == 2, "the second run to be at that statement")
        runs.do(f"SELECT pg_advisory_unlock({HELD})")
        said = first.communicate(timeout=60)[0]
        runs.do(f"SELECT pg_advisory_unlock({LATER})")
        ended = second.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (4, 0), said + ended
    assert "error:  course: the lock that keeps other runs out was lost" in said
    assert (
        "state:  NOT rolled back, the file runs outside a transaction: 1 of its 3 statements have "
        "taken effect; course is at 001" in said
    )
    assert sorted(runs.order()) == [[1], [1, 2, 3]]
    assert workspace.versions() == ["001", "002"]
    assert workspace.alembic_version() == ["002"]
    assert workspace.query(
        "SELECT statement FROM schema_migrations_events WHERE event = 'failure'"
    ) == [(2,)]


def test_a_run_that_lost_its_lock_during_the_last_statement_does_not_write_the_ledger(
    workspace: Workspace,
) -> None:
    runs = TwoRuns(workspace, "", wait(HELD))
    with closing(runs.gate):
        runs.do(f"SELECT pg_advisory_lock({HELD})")
        first = runs.start("migrate")
        until(lambda: runs.count(HELD) == 1, "the first run to be at its last statement")
        second = runs.start("migrate")
        assert second.stdout
        assert "waiting for another run" in second.stdout.readline()
        runs.do("INSERT INTO open DEFAULT VALUES")  # whoever comes from here on does not wait
        runs.lose()
        ended = second.communicate(timeout=60)[0]
        runs.do(f"SELECT pg_advisory_unlock({HELD})")
        said = first.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (4, 0), said + ended
    assert (
        "2 of its 2 statements have taken effect; course is at 002: another run has moved it from "
        "001" in said
    )
    assert runs.order() == [[1, 2], [1, 2]]
    assert workspace.versions() == ["001", "002"]
    assert workspace.query(
        "SELECT version FROM schema_migrations_events WHERE event = 'success' ORDER BY id"
    ) == [("001",), ("002",)]
