"""While a statement waits, the sessions in its way are named: those that conflict, no others."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.embedded.server import Server
from scripts.errors import StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@contextmanager
def session(workspace: Workspace, name: str, *statements: str) -> Iterator[Connection]:
    """A session in an open transaction, of that application name."""
    with (
        closing(psycopg2.connect(workspace.urls["course"], application_name=name)) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        yield connection


@pytest.fixture
def altered(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A migration that alters table a, beside a table b."""
    workspace.query("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)")
    workspace.add("001", "ALTER TABLE a ADD COLUMN x int;")
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    return workspace


def test_the_waiting_line_and_the_error_tell_who_where_since_when_and_what(
    altered: Workspace,
) -> None:
    with session(altered, "report", "SELECT * FROM a /* monthly */") as other:
        with pytest.raises(StatementError) as caught:
            altered.upgrade()
        pid = other.info.backend_pid
    waiting = altered.recorder.notices[0]
    assert re.match(r"waiting for ACCESS EXCLUSIVE on a \(\d\.\d s\), blocked by pid", waiting)
    for text in (waiting, caught.value.detail):
        assert f"pid {pid}, user migrator, application report, idle in transaction, " in text
        assert "transaction open for " in text
        assert "holds ACCESS SHARE: SELECT * FROM a /* monthly */" in text
    assert caught.value.what.endswith("[55P03]")


def test_only_sessions_that_conflict_are_listed(altered: Workspace) -> None:
    with ExitStack() as others:
        for name, statement in (
            ("reader", "SELECT * FROM a"),
            ("writer", "UPDATE a SET id = 2"),
            ("elsewhere", "LOCK TABLE b IN ACCESS EXCLUSIVE MODE"),
            ("idle", "SELECT 1"),
        ):
            others.enter_context(session(altered, name, statement))
        with pytest.raises(StatementError) as caught:
            altered.upgrade()
    blocked = [line for line in caught.value.detail.splitlines() if line.startswith("blocked by")]
    assert [line.split("application ")[1].split(",")[0] for line in blocked] == ["reader", "writer"]


def test_of_several_locks_of_a_session_only_the_conflicting_modes_are_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "CREATE INDEX i ON a (id);")
    with (
        session(workspace, "writer", "SELECT * FROM a", "DELETE FROM a"),
        session(workspace, "reader", "SELECT * FROM a"),
        pytest.raises(StatementError) as caught,
    ):
        workspace.upgrade()
    assert "it waited for SHARE on a" in caught.value.detail
    assert "holds ROW EXCLUSIVE: DELETE FROM a" in caught.value.detail
    assert "application reader" not in caught.value.detail


def test_a_row_that_is_locked_names_who_has_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    workspace.query("CREATE TABLE a (id int); INSERT INTO a VALUES (1)")
    workspace.add("001", "UPDATE a SET id = 3;")
    with (
        session(workspace, "writer", "UPDATE a SET id = 2"),
        pytest.raises(StatementError) as caught,
    ):
        workspace.upgrade()
    assert "it waited for another transaction to end" in caught.value.detail
    assert "application writer" in caught.value.detail


def test_a_prepared_transaction_is_named_though_it_has_no_session(
    altered: Workspace, postgres: Server
) -> None:
    [(allowed,)] = altered.query("SELECT current_setting('max_prepared_transactions')::int")
    assert allowed, "the test server has to allow prepared transactions"
    with session(altered, "left", "LOCK TABLE a", "PREPARE TRANSACTION 'forgotten one'"):
        try:
            with pytest.raises(StatementError) as caught:
                altered.upgrade()
        finally:
            with closing(psycopg2.connect(altered.urls["course"])) as connection:
                connection.autocommit = True
                connection.cursor().execute("ROLLBACK PREPARED 'forgotten one'")
    assert "blocked by the prepared transaction forgotten one, holds ACCESS EXCLUSIVE" in (
        caught.value.detail
    )


def test_a_password_in_the_blockers_query_is_not_shown(altered: Workspace) -> None:
    with (
        session(altered, "x", "SELECT * FROM a /* password 's3cret' */"),
        pytest.raises(StatementError) as caught,
    ):
        altered.upgrade()
    assert "s3cret" not in caught.value.detail + "".join(altered.recorder.notices)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(
            f"SELECT 's3cret', {'1, ' * 900} 1 AS password FROM a", id="ahead of its telling word"
        ),
        pytest.param(f"SELECT '{'s3cret' * 300}' FROM a", id="inside a string"),
        pytest.param(f"SELECT $x${'s3cret' * 300}$x$ FROM a", id="inside a dollar quote"),
        pytest.param(f"SELECT 1 /* {'s3cret' * 300} */ FROM a", id="inside a comment"),
    ],
)
def test_a_blockers_query_that_the_server_has_cut_is_shown_without_its_strings(
    altered: Workspace, query: str
) -> None:
    with session(altered, "x", query), pytest.raises(StatementError) as caught:
        altered.upgrade()
    assert "application x" in caught.value.detail
    assert "SELECT " in caught.value.detail
    assert "s3cret" not in caught.value.detail + "".join(altered.recorder.notices)


def test_a_session_that_waits_ahead_is_named_as_waiting(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "SELECT * FROM a;")
    with session(workspace, "reader", "SELECT * FROM a"), session(workspace, "ddl") as ddl:
        ahead = waiting_for_a_table(ddl, workspace)
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
        ddl.cancel()
        ahead.join(30)
    assert "application ddl, active" in caught.value.detail
    assert "is ahead in the queue for ACCESS EXCLUSIVE: LOCK TABLE a" in caught.value.detail
    assert "application reader" not in caught.value.detail


def waiting_for_a_table(connection: Connection, workspace: Workspace) -> threading.Thread:
    """Have a session wait for a lock on table a, in a thread; returns when it does."""

    def wait() -> None:
        with suppress(psycopg2.errors.QueryCanceled):
            connection.cursor().execute("LOCK TABLE a")

    thread = threading.Thread(target=wait)
    thread.start()
    waits = (
        "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while not workspace.query(waits):
        assert thread.is_alive()
        thread.join(0.01)
    return thread


def test_a_serializable_reader_in_the_way_is_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "ALTER TABLE a ADD COLUMN x int;")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.set_session(isolation_level="SERIALIZABLE")
        other.cursor().execute("SELECT * FROM a")
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
        pid = other.info.backend_pid
    assert f"blocked by pid {pid}" in caught.value.detail
    assert "holds ACCESS SHARE" in caught.value.detail
    assert "SI" not in caught.value.detail.partition("holds")[2].partition(":")[0]


@pytest.mark.parametrize(
    ("statement", "header", "least"),
    [
        ("ALTER TABLE a ADD COLUMN x int;", "", 900),
        ("LOCK TABLE a NOWAIT;", "", 0),
        (
            "CREATE INDEX CONCURRENTLY ON a (id);",
            "-- Transaction: none\n-- Lock-Timeout: 300ms\n",
            900,
        ),
        (
            "CREATE INDEX CONCURRENTLY ON a (id);",
            "-- Transaction: none\n-- Lock-Timeout: 30ms\n",
            90,
        ),
        # Too short to be looked at while it waits.
        ("LOCK TABLE a;", "-- Lock-Timeout: 30ms\n", 90),
    ],
)
def test_the_waits_of_all_attempts_are_counted(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    header: str,
    least: int,
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "300ms")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "2")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", statement, header=header)
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("INSERT INTO a VALUES (1)")
        with pytest.raises(StatementError):
            workspace.upgrade()
    [(waited,)] = workspace.query(
        "SELECT DISTINCT lock_wait_ms FROM schema_migrations_events WHERE event = 'failure'"
    )
    assert waited >= least if least else waited == 0
