"""Files with `-- Transaction: none`: what runs, what a cut leaves, and what the next run does."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg2
import pytest

from scripts.errors import StatementError
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HEADER = "-- Transaction: none\n"
BUILD = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON public.a (id);"


@pytest.fixture
def doubled(workspace: Workspace) -> Workspace:
    """A unique index to be built on a table that has a value twice."""
    workspace.query("CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)")
    workspace.add("001", f"{BUILD}\nCREATE TABLE b (id int);", header=HEADER)
    return workspace


def indexes(workspace: Workspace) -> list[tuple[str, bool]]:
    rows = workspace.query(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
        " WHERE indrelid = 'a'::regclass ORDER BY 1"
    )
    return [(name, valid) for name, valid in rows]


def test_the_invalid_index_of_a_failed_build_is_dropped(doubled: Workspace) -> None:
    with pytest.raises(StatementError, match="could not create unique index") as caught:
        doubled.upgrade()
    assert "0 of its 2 statements took effect" in caught.value.state
    dropped = "dropped the invalid index public.i, which a failed build had left"
    assert doubled.recorder.notices == [dropped]
    assert indexes(doubled) == []
    doubled.query("DELETE FROM a")
    doubled.upgrade()
    assert indexes(doubled) == [("i", True)]
    assert doubled.recorder.notices == [dropped]
    assert doubled.versions() == ["001"]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("i", "a"),
        ('"I"', "public.a"),
        ('"odd ""name"', 'ONLY "public"."a"'),
        ("i", "only public.a"),
    ],
)
def test_an_index_is_recognised_however_it_is_written(
    workspace: Workspace, name: str, table: str
) -> None:
    workspace.query("CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)")
    workspace.add(
        "001",
        f"create unique index concurrently if not exists {name} on {table} (id);",
        header=HEADER,
    )
    with pytest.raises(StatementError):
        workspace.upgrade()
    workspace.query("DELETE FROM a")
    workspace.upgrade()
    assert [valid for _, valid in indexes(workspace)] == [True]


def test_an_index_of_that_name_on_another_table_is_not_taken_for_the_one(
    workspace: Workspace,
) -> None:
    workspace.query("CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE INDEX i ON b (id)")
    workspace.add("001", BUILD, header=HEADER)
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert caught.value.where == "sql/course/001_step.sql:6"
    assert caught.value.what == "the index was not built"
    assert "the name belongs to an index on b" in caught.value.detail
    assert indexes(workspace) == []


def test_a_vacuum_that_locks_others_out_has_a_bounded_wait(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "50ms")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "VACUUM FULL a;", header=HEADER)
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("SELECT * FROM a")
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
    assert "tried 2 times" in caught.value.detail


def test_other_invalid_indexes_are_reported_and_left_alone(doubled: Workspace) -> None:
    with closing(psycopg2.connect(doubled.urls["course"])) as connection:
        connection.autocommit = True
        with pytest.raises(psycopg2.errors.UniqueViolation):
            connection.cursor().execute("CREATE UNIQUE INDEX CONCURRENTLY other ON a (id)")
    doubled.query("DELETE FROM a")
    doubled.upgrade()
    assert doubled.recorder.notices == [
        "these other indexes are invalid: public.other (DROP or REINDEX them)"
    ]
    assert indexes(doubled) == [("i", True), ("other", False)]


def test_an_index_that_another_session_is_building_is_waited_for(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", BUILD, header=HEADER)
    with (
        closing(psycopg2.connect(workspace.urls["course"])) as old,
        closing(psycopg2.connect(workspace.urls["course"])) as builder,
    ):
        old.cursor().execute("INSERT INTO a VALUES (1)")  # the build waits for it to end
        builder.autocommit = True
        build = threading.Thread(target=lambda: builder.cursor().execute(BUILD))
        build.start()
        # Its progress is shown before the transaction that makes the index has committed.
        until(lambda: indexes(workspace), "the build to have its index")
        run = threading.Thread(target=workspace.upgrade)
        run.start()
        while not workspace.recorder.notices:
            assert run.is_alive()
            run.join(0.01)
        old.rollback()
        build.join(30)
        run.join(30)
        pid = builder.info.backend_pid
    assert workspace.recorder.notices[0] == (
        f"waiting for pid {pid}, which may be building the index public.i"
    )
    assert not any("dropped" in notice for notice in workspace.recorder.notices)
    assert indexes(workspace) == [("i", True)]
    assert workspace.versions() == ["001"]


def test_a_statement_that_may_run_in_a_transaction_has_a_bounded_wait_and_another_try(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "50ms")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "CREATE TABLE b (id int);\nALTER TABLE a ADD COLUMN x int;", header=HEADER)
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE a")
        run = threading.Thread(target=workspace.upgrade)
        run.start()
        while not any("attempt 2 of 11" in notice for notice in workspace.recorder.notices):
            assert run.is_alive()
            run.join(0.01)
        other.rollback()
        run.join(30)
    assert workspace.versions() == ["001"]


def test_the_session_is_left_as_it_was(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "SET search_path = pg_catalog;\nCREATE TEMP TABLE t AS SELECT 1;\n"
        "SELECT pg_advisory_lock(7);\nLISTEN x;\nPREPARE p AS SELECT 1;",
        header="-- Transaction: none\n-- Statement-Timeout: 3min\n",
    )
    workspace.add(
        "002",
        "CREATE TABLE seen AS SELECT current_setting('search_path') AS path,"
        " current_setting('statement_timeout') AS timeout,"
        " current_setting('lock_timeout') AS wait,"
        " (SELECT count(*) FROM pg_prepared_statements) AS prepared,"
        " (SELECT count(*) FROM pg_listening_channels()) AS listening,"
        " (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary,"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
        " AS locks;",
        header=HEADER,
    )
    workspace.upgrade()
    assert workspace.query("TABLE public.seen") == [('"$user", public', "0", "5s", 0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("statement", "look", "clean"),
    [
        ("SET search_path = pg_catalog;", "current_setting('search_path')", '"$user", public'),
        ("SET SESSION work_mem = '1MB';", "current_setting('work_mem')", "4MB"),
        ("SELECT set_config('work_mem', '1MB', false);", "current_setting('work_mem')", "4MB"),
        ("SET ROLE pg_monitor;\nRESET ROLE;\nSET ROLE migrator;", "current_user::text", "migrator"),
        (
            "CREATE TEMP TABLE t (id int);",
            "(SELECT count(*) FROM pg_class WHERE relpersistence = 't')",
            0,
        ),
        (
            "SELECT pg_advisory_lock(1);",
            "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid = pg_backend_pid())",
            0,
        ),
    ],
)
def test_nothing_stays_in_the_session_behind_a_transaction_either(
    workspace: Workspace, statement: str, look: str, clean: object
) -> None:
    if "pg_monitor" in statement:
        statement = "SET ROLE migrator;"
    workspace.add("001", statement)
    workspace.add("002", f"CREATE TABLE public.seen AS SELECT {look} AS it;")
    workspace.upgrade()
    assert workspace.query("TABLE public.seen") == [(clean,)]


def test_the_headers_timeout_cuts_an_index_build_short_and_the_next_run_mends_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", BUILD, header="-- Transaction: none\n-- Lock-Timeout: 200ms\n")
    with closing(psycopg2.connect(workspace.urls["course"], application_name="old one")) as old:
        old.cursor().execute("INSERT INTO a VALUES (1)")
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
    assert "application old one" in caught.value.detail
    assert "tried 2 times" in caught.value.detail
    workspace.upgrade()
    assert indexes(workspace) == [("i", True)]
