"""One run per database at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from scripts import __version__
from tests.support.doors import DOORS, start
from tests.support.interference import another_run
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
RUNNERS = 8


@pytest.mark.parametrize("door", ["alembic", "migrate"])
def test_a_run_that_waited_in_vain_names_the_holder_and_exits_with_4(
    workspace: Workspace, door: str
) -> None:
    workspace.add_tables("001")
    with another_run(workspace) as pid:
        done = workspace.execute(
            sys.executable, *DOORS[door], environment={"MIGRATION_LOCK_WAIT": "1s"}
        )
    assert done.returncode == 4
    assert f"course: waiting for another run: pid {pid} (other run), migrator on" in (
        done.stdout + done.stderr
    )
    assert "error:  another run did not end within 1.0 s" in done.stderr
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
        start(workspace, *DOORS["migrate"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(RUNNERS)
    ]
    ended = [(runner.communicate(timeout=120)[1], runner.returncode) for runner in runners]
    assert ended == [("", 0)] * RUNNERS
    expected = ["001", "002", "003", "004"][: 3 + concurrently]
    assert workspace.versions() == expected
    assert workspace.query("SELECT version FROM runs ORDER BY 1") == [(v,) for v in expected]


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
