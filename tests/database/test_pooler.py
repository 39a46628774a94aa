"""The whole life through PgBouncer in transaction mode, which stands in for RDS Proxy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded import cluster
from scripts.embedded.server import Server
from scripts.errors import StatementError, UsageError
from tests.support.companions import bouncer
from tests.support.doors import DOORS, start
from tests.support.servers import PATIENCE, own_server
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"
RUNNERS = 8
SHORT = {"MIGRATION_CONNECT_WAIT": "1s", "MIGRATION_CONNECT_TIMEOUT": "1500ms"}


@pytest.fixture
def pooled(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A project whose course database is reached through the pooler; `workspace.query` is not."""
    [(name,)] = workspace.query("SELECT current_database()")
    with bouncer(postgres.socket, cluster.PORT) as url:
        monkeypatch.setenv("COURSE_DB_URL", url(name, "migrator"))
        yield workspace


def clean(workspace: Workspace) -> None:
    """Make sure that the sessions which the pooler keeps have nothing of ours in them."""
    [(name,)] = workspace.query("SELECT current_database()")
    locks = "SELECT locktype, mode FROM pg_locks WHERE locktype = 'advisory' AND database ="
    assert workspace.query(f"{locks} (SELECT oid FROM pg_database WHERE datname = '{name}')") == []
    busy = "SELECT 1 FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()"
    assert workspace.query(f"{busy} AND datname = current_database()") == []


def settings_seen(url: str, sessions: int = 5) -> set[tuple[str, ...]]:
    """Return what several of the pooler's sessions have for the settings that a run changes."""
    seen = set()
    opened = [psycopg2.connect(url) for _ in range(sessions)]
    for connection in opened:
        with connection.cursor() as cursor:  # each holds a session until its transaction ends
            cursor.execute(
                "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),"
                " current_setting('client_connection_check_interval'),"
                " current_setting('search_path'), current_user::text"
            )
            seen.add(cursor.fetchone() or ())
    for connection in opened:
        connection.close()
    return seen


def test_the_whole_life_leaves_the_schema_and_clean_sessions(
    pooled: Workspace,
) -> None:
    pooled.add_tables("001", "002")
    pooled.add("003", "SET search_path = pg_catalog;\nCREATE TABLE public.t_003 (id int);")
    pooled.upgrade()
    assert pooled.tables() == ["t_001", "t_002", "t_003"]
    pooled.downgrade("001")
    assert pooled.versions() == ["001"]
    said = [text for text in pooled.recorder.notices if "destroys" not in text]
    assert said == ["003_step.sql has an empty DOWN: nothing ran"]
    clean(pooled)
    assert settings_seen(os.environ["COURSE_DB_URL"]) == {
        ("0", "0", "0", '"$user", public', "migrator")
    }


@pytest.mark.parametrize("concurrently", [False, True], ids=["plain", "concurrently"])
def test_runners_that_start_together_take_turns(pooled: Workspace, concurrently: bool) -> None:
    pooled.query("CREATE TABLE runs (version text)")
    versions = ["001", "002", "003"]
    for version in versions:
        note = f"INSERT INTO runs VALUES ('{version}');"
        index = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i_{version} ON runs (version);"
        if concurrently:
            pooled.add(version, f"{index}\n{note}", header=OUTSIDE)
        else:
            pooled.add(version, f"{note}\nCREATE TABLE t_{version} (id int);")
    runners = [
        start(
            pooled,
            *DOORS["alembic"],
            environment={"COURSE_DB_URL": os.environ["COURSE_DB_URL"]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(RUNNERS)
    ]
    ended = [(runner.communicate(timeout=120)[1], runner.returncode) for runner in runners]
    assert [code for _, code in ended] == [0] * RUNNERS, ended
    assert pooled.query("SELECT version FROM runs ORDER BY 1") == [(one,) for one in versions]
    clean(pooled)


def test_a_lock_timeout_names_the_blocker_and_leaves_nothing(
    pooled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")
    pooled.query("CREATE TABLE a (id int)")
    pooled.add("001", "ALTER TABLE a ADD COLUMN x int;")
    with closing(psycopg2.connect(pooled.urls["course"], application_name="web")) as other:
        other.cursor().execute("SELECT * FROM a")
        with pytest.raises(StatementError) as caught:
            pooled.upgrade()
        pid = other.info.backend_pid
    assert f"pid {pid}, user migrator, application web" in caught.value.detail
    assert "tried 2 times" in caught.value.detail
    clean(pooled)
    assert {seen[:2] for seen in settings_seen(os.environ["COURSE_DB_URL"])} == {("0", "0")}


def test_without_a_direct_url_a_file_without_a_transaction_is_warned_of(pooled: Workspace) -> None:
    pooled.add("001", "CREATE TABLE a (id int);")
    pooled.add("002", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);", header=OUTSIDE)
    pooled.upgrade()
    [said] = pooled.recorder.notices
    assert said.startswith("connected through a pooler: ")
    assert said.endswith("set COURSE_DB_DIRECT_URL to bypass it")
    assert pooled.versions() == ["001", "002"]
    clean(pooled)
    assert {seen[:3] for seen in settings_seen(os.environ["COURSE_DB_URL"])} == {("0", "0", "0")}


def test_with_a_direct_url_it_goes_past_the_pooler(
    pooled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DB_DIRECT_URL", pooled.urls["course"])
    pooled.add(
        "001",
        "CREATE TABLE seen AS SELECT pg_backend_pid() AS pid,"
        " current_setting('statement_timeout') AS timeout;",
        header=f"{OUTSIDE}-- Statement-Timeout: 3min\n",
    )
    pooled.add("002", "CREATE TABLE other AS SELECT pg_backend_pid() AS pid;")
    pooled.upgrade()
    assert pooled.recorder.notices == []
    assert pooled.query("SELECT timeout FROM seen") == [("3min",)]
    assert pooled.query("SELECT pid FROM seen") != pooled.query("SELECT pid FROM other")
    assert pooled.versions() == ["001", "002"]


def test_a_direct_url_that_leads_to_another_database_is_refused(
    pooled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DB_DIRECT_URL", pooled.urls["auth"])
    pooled.add("001", "CREATE TABLE a (id int);", header=OUTSIDE)
    with pytest.raises(UsageError, match="COURSE_DB_DIRECT_URL") as caught:
        pooled.upgrade()
    assert caught.value.state
    assert pooled.tables() == pooled.tables("auth") == []


def test_a_migration_that_fails_leaves_nothing_in_the_session(pooled: Workspace) -> None:
    pooled.add(
        "001",
        "SET work_mem = '1MB';\nPREPARE p AS SELECT 1;\nSELECT pg_advisory_lock(7);\n"
        "CREATE TEMP TABLE t (id int);\nLISTEN x;\nSELECT 1 / 0;",
    )
    with pytest.raises(StatementError, match="division by zero"):
        pooled.upgrade()
    clean(pooled)
    left = (
        "SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name = 'p'),"
        " (SELECT count(*) FROM pg_listening_channels()), current_setting('work_mem')"
    )
    opened = [psycopg2.connect(os.environ["COURSE_DB_URL"]) for _ in range(5)]
    for connection in opened:
        with connection.cursor() as cursor:
            cursor.execute(left)
            assert cursor.fetchone() == (0, 0, "4MB")
    for connection in opened:
        connection.close()


def test_a_role_outside_a_transaction_wants_a_direct_url(
    pooled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_ROLE", "migrator")
    pooled.add("001", "CREATE TABLE a (id int);", header=OUTSIDE)
    with pytest.raises(UsageError, match="outside a transaction through a pooler") as caught:
        pooled.upgrade()
    assert "COURSE_DB_DIRECT_URL" in caught.value.hint
    assert pooled.tables() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DO $$ BEGIN EXECUTE 'SET search_path = pg_catalog'; END $$;",
        "DO $$ BEGIN EXECUTE 'LISTEN q'; EXECUTE 'PREPARE p AS SELECT 1'; END $$;",
        "DO $$ BEGIN CREATE TEMP TABLE t (id int); PERFORM pg_advisory_lock(5); END $$;",
        "CREATE TABLE pg_temp.t (id int);",
    ],
)
def test_what_can_not_be_read_off_the_text_is_taken_away_too(
    pooled: Workspace, statement: str
) -> None:
    pooled.add("001", statement)
    pooled.upgrade()
    clean(pooled)
    left = (
        "SELECT current_setting('search_path'), (SELECT count(*) FROM pg_prepared_statements"
        " WHERE name = 'p'), (SELECT count(*) FROM pg_listening_channels()),"
        " (SELECT count(*) FROM pg_class WHERE relpersistence = 't')"
    )
    opened = [psycopg2.connect(os.environ["COURSE_DB_URL"]) for _ in range(5)]
    for connection in opened:
        with connection.cursor() as cursor:
            cursor.execute(left)
            assert cursor.fetchone() == ('"$user", public', 0, 0, 0)
    for connection in opened:
        connection.close()


def test_a_pooler_without_a_server_behind_it_is_not_waited_for_without_end(
    workspace: Workspace,
) -> None:
    with own_server() as server, bouncer(server.folder, server.port) as url:
        server.stop()
        settings = {"COURSE_DB_URL": url("postgres", "postgres"), **SHORT}
        done = workspace.run("status", "--database", "course", environment=settings)
    assert done.returncode == 1
    assert "error:  cannot connect to" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pool_of_one_has_no_room_for_the_lock_and_says_so(workspace: Workspace) -> None:
    workspace.add_tables("001")
    with own_server() as server, bouncer(server.folder, server.port, pool=1) as url:
        settings = {"COURSE_DB_URL": url("postgres", "postgres"), **SHORT}
        done = workspace.run("migrate", "--database", "course", environment=settings)
    assert done.returncode == 1
    assert "error:  the pooler has no room for two connections" in done.stderr
    assert "no answer to a query within 1.5 s" in done.stderr
    assert "state:  nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("door", DOORS)
def test_a_pooler_in_statement_mode_is_refused_with_its_own_reason(
    workspace: Workspace, door: str
) -> None:
    workspace.add_tables("001")
    with own_server() as server, bouncer(server.folder, server.port, mode="statement") as url:
        settings = {"COURSE_DB_URL": url("postgres", "postgres"), **SHORT}
        done = workspace.execute(sys.executable, *DOORS[door], environment=settings)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error:  the pooler runs each statement in a transaction of its own\n"
        "at:     course\n"
        "detail: FATAL:  transaction blocks not allowed in statement pooling mode\n"
    )
    assert "set its pool_mode to transaction, or COURSE_DB_URL to the server itself" in done.stderr


def test_each_of_four_runs_over_a_pool_of_two_says_how_it_ended(workspace: Workspace) -> None:
    workspace.add("001", "SELECT pg_sleep(1);")
    with own_server() as server, bouncer(server.folder, server.port, pool=2) as url:
        settings = {"COURSE_DB_URL": url("postgres", "postgres")}
        runs = [start(workspace, *DOORS["migrate"], environment=settings) for _ in range(4)]
        said = [run.communicate(timeout=PATIENCE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 4
    ends = sorted(text.splitlines()[-1].partition(" on postgres@")[0] for text in said)
    assert ends[0].startswith("course: 1 migration applied in ")
    assert set(ends[1:]) <= {
        "course: nothing is left to do, at 001",
        "course: nothing to do, at 001",
    }
