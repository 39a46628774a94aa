"""What is set for the role or the database: a run comes through, and a file means the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded import cluster
from scripts.embedded.server import Server
from scripts.errors import ServerError, UsageError
from tests.support.companions import bouncer
from tests.support.servers import PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
Setter = Callable[[str, str], None]
OUTSIDE = "-- Transaction: none\n"
LONGER = "SELECT pg_sleep(0.8);"
"""Than the timeouts that are set."""


@pytest.fixture
def role_setting(workspace: Workspace, postgres: Server) -> Iterator[Setter]:
    """Set something for the login, in this database alone."""
    [(name, login)] = workspace.query("SELECT current_database(), current_user")
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        admin.autocommit = True
        cursor = admin.cursor()

        def set_it(setting: str, value: str) -> None:
            cursor.execute(f"ALTER ROLE {login} IN DATABASE {name} SET {setting} = {value}")

        yield set_it
        cursor.execute(f"ALTER ROLE {login} IN DATABASE {name} RESET ALL")


@pytest.mark.parametrize(
    "timeout",
    [
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "transaction_timeout",
    ],
)
def test_a_run_of_each_kind_comes_through_short_timeouts(
    workspace: Workspace,
    postgres: Server,
    role_setting: Setter,
    monkeypatch: pytest.MonkeyPatch,
    timeout: str,
) -> None:
    if timeout == "transaction_timeout" and postgres.major < 17:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    monkeypatch.setenv("COURSE_DB_DIRECT_URL", workspace.urls["course"])
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", f"{LONGER}\nALTER TABLE a ADD COLUMN x int;", "-- SELECT 1;")
    # Beside a statement on the direct connection, the run's own is idle.
    workspace.add("002", LONGER, "-- SELECT 1;", header=OUTSIDE)
    role_setting(timeout, "'600ms'")
    [(name,)] = workspace.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(name))) as other:  # a login without the timeout
        other.cursor().execute("LOCK TABLE a IN SHARE MODE")
        run = threading.Thread(target=workspace.upgrade)
        run.start()
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass"
        until(lambda: workspace.query(waits), "the run to wait for the table")
        other.rollback()
        run.join(PATIENCE)
    assert workspace.versions() == ["001", "002"]
    workspace.downgrade("base")
    assert workspace.versions() == []


def test_waiting_for_another_run_comes_through_too(
    workspace: Workspace, role_setting: Setter
) -> None:
    workspace.add("001", LONGER, "-- SELECT 1;")
    role_setting("idle_session_timeout", "'600ms'")
    runs = [threading.Thread(target=workspace.upgrade) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(PATIENCE)
    assert workspace.versions() == ["001"]
    assert [one.version for one in workspace.recorder.results] == ["001"]


@pytest.mark.parametrize("header", ["", OUTSIDE], ids=["inside", "outside"])
def test_a_file_means_the_same_whatever_is_set_for_the_role(
    workspace: Workspace, role_setting: Setter, header: str
) -> None:
    seen = (
        "standard_conforming_strings",
        "row_security",
        "client_min_messages",
        "transaction_isolation",
        "transaction_deferrable",
    )
    shown = ", ".join(f"current_setting('{name}') AS {name}" for name in seen)
    workspace.add("001", f"CREATE TABLE seen AS SELECT {shown}, 'a\\b' AS text;", header=header)
    for name, value in (
        ("standard_conforming_strings", "off"),
        ("row_security", "off"),
        ("client_min_messages", "error"),
        ("default_transaction_isolation", "serializable"),
        ("default_transaction_deferrable", "on"),
    ):
        role_setting(name, value)
    workspace.upgrade()
    assert workspace.query("TABLE seen") == [
        ("on", "on", "notice", "read committed", "off", "a\\b")
    ]


def test_a_backslash_is_stored_as_it_is_where_the_role_has_old_strings(
    workspace: Workspace, role_setting: Setter
) -> None:
    role_setting("standard_conforming_strings", "off")
    down = r"DELETE FROM a WHERE x IN ('a\b', '\', 'it''s');"
    workspace.add("001", "CREATE TABLE a (x text);", f"{down}\nDROP TABLE a;")
    workspace.upgrade()
    [(stored,)] = workspace.query("SELECT rollback_sql FROM schema_migrations")
    assert str(stored).startswith(down)
    for target in ("base", "head"):
        assert workspace.alembic("-n", "course", "stamp", target).returncode == 0
    assert workspace.query("SELECT rollback_sql FROM schema_migrations") == [(stored,)]
    workspace.downgrade("base")
    assert workspace.tables() == []


def test_a_file_may_choose_its_isolation_up_and_down(
    workspace: Workspace, role_setting: Setter
) -> None:
    role_setting("default_transaction_isolation", "'repeatable read'")
    chosen = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;"
    shown = "SELECT current_setting('transaction_isolation') AS it;"
    workspace.add("001", f"{chosen}\nCREATE TABLE up AS {shown}", f"{chosen}\nDROP TABLE up;")
    workspace.upgrade()
    assert workspace.query("TABLE up") == [("serializable",)]
    workspace.downgrade("base")
    assert workspace.tables() == []


def test_triggers_that_would_not_fire_are_refused(
    workspace: Workspace, role_setting: Setter
) -> None:
    workspace.add_tables("001")
    role_setting("session_replication_role", "replica")
    with pytest.raises(ServerError, match="session_replication_role is replica"):
        workspace.upgrade()
    assert workspace.tables() == []


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("standard_conforming_strings", "off", "standard_conforming_strings = off changes what"),
        ("default_transaction_isolation", "serializable", "default_transaction_isolation = seria"),
    ],
)
def test_outside_a_transaction_behind_a_pooler_it_is_refused(
    workspace: Workspace,
    postgres: Server,
    role_setting: Setter,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str,
    said: str,
) -> None:
    role_setting(setting, value)
    shown = setting.removeprefix("default_")
    workspace.add("001", f"CREATE TABLE a AS SELECT current_setting('{shown}') AS it;")
    workspace.add("002", "CREATE TABLE b ();", header=OUTSIDE)
    [(name,)] = workspace.query("SELECT current_database()")
    with bouncer(postgres.socket, cluster.PORT) as url:
        monkeypatch.setenv("COURSE_DB_URL", url(name, "migrator"))
        with pytest.raises(UsageError, match=said) as caught:
            workspace.upgrade()
    assert caught.value.hint == "set COURSE_DB_DIRECT_URL to bypass it"
    assert caught.value.state == "no statement of the file was run; course is at 001"
    # In a transaction it is set back.
    assert workspace.query(f"SELECT it <> '{value}' FROM a") == [(True,)]


def test_a_timeout_of_the_role_is_named_behind_a_pooler(
    workspace: Workspace,
    postgres: Server,
    role_setting: Setter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role_setting("statement_timeout", "'90s'")
    workspace.add("001", "CREATE TABLE b ();", header=OUTSIDE)
    [(name,)] = workspace.query("SELECT current_database()")
    with bouncer(postgres.socket, cluster.PORT) as url:
        monkeypatch.setenv("COURSE_DB_URL", url(name, "migrator"))
        workspace.upgrade()
    [notice] = workspace.recorder.notices
    assert "only those of the server (statement_timeout = 90s) hold for them" in notice
