"""A migration that meets a lock or a deadlock waits for a bounded time and is tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from alembic import command
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.embedded.server import Server
from scripts.engine.alembic_commands import alembic_config
from scripts.errors import StatementError, UsageError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def busy(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two tables, and three more migrations of which the second wants to change a table."""
    workspace.query("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    workspace.add_tables("001")
    workspace.add(
        "002",
        "CREATE TABLE c (id int);\nALTER TABLE a\n  ADD COLUMN x int;",
        "-- ALTER TABLE a DROP COLUMN x;",
    )
    workspace.add(
        "003", "CREATE TABLE t_003 (id int);", "-- ALTER TABLE a DROP COLUMN IF EXISTS y;"
    )
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "50ms")
    return workspace


@contextmanager
def locked(workspace: Workspace, table: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(workspace.urls["course"])) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table}")
        yield other


@contextmanager
def in_the_background(run: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def until(thread: threading.Thread, condition: Callable[[], object]) -> None:
    while not condition():
        assert thread.is_alive()
        thread.join(0.01)


def test_a_table_that_stays_locked_ends_the_run_with_all_rolled_back(
    busy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "2")
    with locked(busy, "a"), pytest.raises(StatementError) as caught:
        busy.upgrade()
    assert caught.value.where == "sql/course/002_step.sql:6"
    assert caught.value.what == "canceling statement due to lock timeout [55P03]"
    assert caught.value.detail.endswith("tried 3 times: lock not available in time")
    assert caught.value.state == "rolled back; course is at 001"
    retries = [notice for notice in busy.recorder.notices if notice.startswith("lock not")]
    assert [notice.rpartition("(")[2] for notice in retries] == [
        "attempt 2 of 3)",
        "attempt 3 of 3)",
    ]
    assert busy.versions() == ["001"]
    assert "c" not in busy.tables()


def test_steps_are_counted_once_whatever_is_tried_again(busy: Workspace) -> None:
    config = alembic_config.make(busy.project, busy.environment(), busy.recorder)
    with (
        locked(busy, "a") as other,
        in_the_background(lambda: command.upgrade(config, "+2")) as run,
    ):
        until(run, lambda: busy.recorder.notices)
        other.rollback()
    assert busy.versions() == ["001", "002"]
    busy.upgrade()
    busy.recorder.notices.clear()
    with (
        locked(busy, "a") as other,
        in_the_background(lambda: command.downgrade(config, "-2")) as run,
    ):
        until(run, lambda: busy.recorder.notices)
        other.rollback()
    assert busy.versions() == ["001"]


def test_a_deadlock_is_tried_again(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "60s")
    [(name,)] = workspace.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        admin.autocommit = True
        # Who waited first is ended, if by then the other waits too: there is time for that.
        admin.cursor().execute(f"ALTER DATABASE {name} SET deadlock_timeout = '8s'")
    workspace.query("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    workspace.add("001", "LOCK TABLE a;\nLOCK TABLE b;\nINSERT INTO a VALUES (1);", "-- SELECT;")
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'b'::regclass"
    with locked(workspace, "b") as other, in_the_background(workspace.upgrade) as run:
        until(run, lambda: workspace.query(waiting))
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE a")
        other.commit()
    assert any(
        notice.startswith("deadlock (sql/course/001_step.sql:6)")
        for notice in workspace.recorder.notices
    )
    assert workspace.query("TABLE a") == [(1,)]
    assert workspace.versions() == ["001"]


def test_what_a_rollback_leaves_behind_does_not_stop_the_next_try(busy: Workspace) -> None:
    busy.add(
        "004",
        "PREPARE p AS SELECT 1;\nSELECT pg_advisory_lock(7);\nLOCK TABLE b;",
    )
    busy.upgrade("003")
    with locked(busy, "b") as other, in_the_background(busy.upgrade) as run:
        until(run, lambda: busy.recorder.notices)
        other.rollback()
    assert busy.versions() == ["001", "002", "003", "004"]


def test_another_error_is_not_tried_again(busy: Workspace) -> None:
    busy.add("004", "SELECT 1 / 0;")
    with pytest.raises(StatementError, match="division by zero"):
        busy.upgrade()
    assert busy.recorder.notices == []


def test_the_file_s_own_timeout_wins(busy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "10min")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    busy.add("004", "LOCK TABLE b;", header="-- Lock-Timeout: 50ms\n")
    busy.upgrade("003")
    with locked(busy, "b"), pytest.raises(StatementError, match="004_step"):
        busy.upgrade()


def test_a_statement_that_takes_too_long_is_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_STATEMENT_TIMEOUT", "50ms")
    workspace.add("001", "SELECT pg_sleep(60);")
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert "statement timeout [57014]" in caught.value.what


def test_a_file_that_sets_its_transactions_isolation_runs(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n"
        "CREATE TABLE t AS SELECT current_setting('transaction_isolation') AS level;",
    )
    workspace.upgrade()
    assert workspace.query("TABLE t") == [("serializable",)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIGRATION_LOCK_WAIT", "soon"),
        ("MIGRATION_LOCK_TIMEOUT", "-1"),
        ("MIGRATION_STATEMENT_TIMEOUT", "5 sec"),
        ("MIGRATION_LOCK_RETRIES", "many"),
        ("MIGRATION_LOCK_RETRIES", "1001"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_before_anything_runs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    workspace.add_tables("001")
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as caught:
        workspace.upgrade()
    assert caught.value.hint.startswith(f"write {name}=")
    assert workspace.tables() == []
