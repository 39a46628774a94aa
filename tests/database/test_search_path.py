"""A ledger without a schema in its setting, and a search path that changes."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from scripts.embedded.server import Server
from scripts.errors import LedgerError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
SETTING = "MIGRATION_TABLE=public.schema_migrations"


def lead(workspace: Workspace, path: str) -> None:
    """Change the search path of all sessions to come."""
    name = workspace.query("SELECT current_database()")[0][0]
    workspace.query(f"ALTER DATABASE {name} SET search_path = {path}")


@pytest.fixture
def moved(workspace: Workspace) -> Workspace:
    """Two migrations of three, applied; then the search path leads into another schema."""
    workspace.add_tables("001", "002")
    workspace.upgrade()
    workspace.add_tables("003")
    workspace.query("CREATE SCHEMA core")
    lead(workspace, "core")
    return workspace


@pytest.mark.parametrize(
    "command",
    [
        ("migrate", "--database", "course"),
        ("migrate", "--database", "course", "--dry-run"),
        ("rollback", "--database", "course", "--yes"),
        ("status", "--database", "course"),
        ("status", "--database", "course", "--events"),
        ("validate", "--live", "--database", "course"),
        ("alembic", "upgrade", "head"),
        ("alembic", "downgrade", "base"),
        ("alembic", "stamp", "003"),
        ("alembic", "current"),
    ],
    ids=" ".join,
)
def test_every_command_names_both_places_and_the_setting(
    moved: Workspace, command: tuple[str, ...]
) -> None:
    before = moved.dump()
    script, *options = command
    if script == "alembic":
        done = moved.alembic("-n", "course", *options)
    else:
        done = moved.run(script, *options)
    assert done.returncode == 1
    assert "the ledger is public.schema_migrations, not core.schema_migration" in done.stderr
    assert "2 rows, the newest: 002_step.sql" in done.stderr
    assert "it is core now" in done.stderr
    assert SETTING in done.stderr
    assert "Traceback" not in done.stderr
    assert moved.dump() == before


def test_the_setting_that_is_named_goes_on_with_the_ledger(
    moved: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*SETTING.split("=", 1))
    moved.upgrade()
    assert moved.query("SELECT version FROM public.schema_migrations ORDER BY 1") == [
        ("001",),
        ("002",),
        ("003",),
    ]


def test_the_other_setting_begins_a_history_of_its_own(
    moved: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LedgerError) as caught:
        moved.upgrade()
    assert "MIGRATION_TABLE=core.schema_migrations to start a new one" in caught.value.hint
    monkeypatch.setenv("MIGRATION_TABLE", "core.schema_migrations")
    moved.upgrade()
    assert moved.query("SELECT count(*) FROM core.schema_migrations") == [(3,)]


def test_a_name_that_needs_quotes_is_named_so_that_the_setting_takes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001")
    workspace.query('CREATE SCHEMA "my ""old"" schema"')
    workspace.query("CREATE SCHEMA core")
    lead(workspace, '"my ""old"" schema"')
    workspace.upgrade()
    lead(workspace, "core")
    with pytest.raises(LedgerError) as caught:
        workspace.upgrade()
    setting = caught.value.hint.partition("=")[2].partition(" to use it")[0]
    monkeypatch.setenv("MIGRATION_TABLE", setting)
    assert workspace.state().current == "001"


def test_a_migration_that_changes_the_search_path_does_not_make_the_next_run_begin_anew(
    workspace: Workspace,
) -> None:
    name = workspace.query("SELECT current_database()")[0][0]
    workspace.add_tables("001")
    workspace.add(
        "002",
        f"CREATE SCHEMA core;\nALTER DATABASE {name} SET search_path = core, public;",
        "-- DROP SCHEMA core;",
    )
    workspace.upgrade()
    workspace.upgrade()
    lead(workspace, "core")
    with pytest.raises(LedgerError, match="not core"):
        workspace.upgrade()


def test_files_that_all_changed_do_not_hide_the_ledger(moved: Workspace) -> None:
    for path in moved.environment().sql.iterdir():
        path.write_text(path.read_text() + "-- later\n")
    with pytest.raises(LedgerError, match=r"the ledger is public\.schema_migrations"):
        moved.upgrade()


def test_an_older_release_knows_the_ledger_by_the_files_that_it_has(moved: Workspace) -> None:
    moved.remove("002")
    moved.remove("003")
    with pytest.raises(LedgerError, match=r"the ledger is public\.schema_migrations"):
        moved.upgrade()


def test_a_table_of_another_tool_stops_nothing(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE schema_migrations (version text PRIMARY KEY)")
    workspace.query("INSERT INTO schema_migrations VALUES ('001')")
    workspace.query("CREATE SCHEMA core")
    lead(workspace, "core")
    workspace.add_tables("001")
    workspace.upgrade()
    assert workspace.query("SELECT version FROM core.schema_migrations") == [("001",)]
    assert not any("ledger" in notice for notice in workspace.recorder.notices)


def test_another_tools_table_with_our_columns_stops_nothing(workspace: Workspace) -> None:
    workspace.query(
        "CREATE TABLE schema_migrations (version json, filename bytea, applied_at json,"
        " rollback_sql int, checksum int)"
    )
    workspace.query("INSERT INTO schema_migrations VALUES ('1', NULL, '1', 1, NULL)")
    workspace.query("CREATE SCHEMA core")
    lead(workspace, "core")
    workspace.add_tables("001")
    workspace.upgrade()
    assert workspace.query("SELECT version FROM core.schema_migrations") == [("001",)]


@pytest.mark.parametrize("slug", ["begin", "step"], ids=["other names", "the same names"])
def test_the_ledger_of_another_environment_in_the_database_stops_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    monkeypatch.setenv("AUTH_DB_URL", workspace.urls["course"])
    workspace.add("001", "CREATE TABLE users ();", slug=slug, environment="auth")
    workspace.upgrade(environment="auth")
    workspace.query("CREATE SCHEMA core")
    lead(workspace, "core")
    workspace.add_tables("001")
    workspace.upgrade()
    assert workspace.query("SELECT version FROM core.schema_migrations") == [("001",)]


def test_a_file_that_two_environments_have_alike_does_not_make_a_ledger_the_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_DB_URL", workspace.urls["course"])
    for environment in ("auth", "course"):
        workspace.add_tables("001", environment=environment)
        workspace.add("002", "SELECT 1;", slug=environment, environment=environment)
    workspace.query("CREATE SCHEMA core")
    workspace.upgrade("001", environment="auth")
    lead(workspace, "core")
    assert [
        "public.schema_migrations may be its ledger (sql/auth has the same files)" in one
        for one in workspace.state().remarks
    ] == [True]
    monkeypatch.setenv("MIGRATION_TABLE", "public.schema_migrations")
    workspace.upgrade(environment="auth")
    monkeypatch.delenv("MIGRATION_TABLE")
    assert workspace.state().remarks == ()
    workspace.upgrade()
    assert workspace.query("SELECT count(*) FROM core.schema_migrations") == [(2,)]


def test_a_table_that_may_not_be_read_is_said_and_stops_nothing(
    workspace: Workspace, postgres: Server
) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("CREATE SCHEMA core")
    lead(workspace, "core")
    name = workspace.query("SELECT current_database()")[0][0]
    with psycopg2.connect(postgres.url(name)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.schema_migrations OWNER TO postgres")
        cursor.execute(sql.SQL("REVOKE ALL ON public.schema_migrations FROM PUBLIC"))
    connection.close()
    done = workspace.run("status", "--database", "course")
    said = "course: public.schema_migrations may be its ledger (this user may not read it)"
    assert (done.returncode, done.stdout.splitlines()[1]) == (
        0,
        "  empty, 0 applied, 1 pending",
    )
    assert said in done.stderr
    done = workspace.alembic("-n", "course", "upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert SETTING in done.stderr
    assert workspace.alembic("-n", "course", "current").stderr.count("may be its ledger") == 0


def test_a_ledger_without_rows_does_not_begin_the_history_anew(
    moved: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", "core.schema_migrations")
    assert moved.alembic("-n", "course", "stamp", "base").returncode == 0
    assert moved.query("SELECT count(*) FROM core.schema_migrations") == [(0,)]
    monkeypatch.delenv("MIGRATION_TABLE")
    with pytest.raises(LedgerError, match=r"the ledger is public\.schema_migrations") as caught:
        moved.upgrade()
    assert "core.schema_migrations has no row, and MIGRATION_TABLE has no schema" in str(
        caught.value
    )
    assert SETTING in caught.value.hint


def test_a_ledger_with_rows_is_not_held_against_others(
    moved: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", "core.schema_migrations")
    moved.upgrade()
    monkeypatch.delenv("MIGRATION_TABLE")
    with (
        closing(psycopg2.connect(moved.urls["course"])) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("LOCK TABLE public.schema_migrations")
        done = moved.run("status", "--database", "course", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["databases"][0]["ledger"] == "core.schema_migrations"


def test_a_table_that_somebody_has_locked_is_said_and_stops_nothing(moved: Workspace) -> None:
    with (
        closing(psycopg2.connect(moved.urls["course"])) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("LOCK TABLE public.schema_migrations")
        done = moved.run("status", "--database", "course")
    assert done.returncode == 0
    assert "public.schema_migrations may be its ledger (it cannot be read: " in done.stderr
    assert "lock timeout" in done.stderr


def test_ledgers_of_many_schemas_are_counted_and_not_listed(moved: Workspace) -> None:
    for number in range(6):
        moved.query(f"CREATE SCHEMA tenant{number}")
        moved.query(
            f"CREATE TABLE tenant{number}.schema_migrations AS TABLE public.schema_migrations"
        )
    with pytest.raises(LedgerError) as caught:
        moved.upgrade()
    assert "and 4 more" in caught.value.detail
    assert "tenant5" not in str(caught.value)


def test_a_schema_in_the_setting_is_looked_at_alone(
    moved: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", "ops.schema_migrations")
    moved.upgrade()
    assert moved.query("SELECT count(*) FROM ops.schema_migrations") == [(3,)]
    assert moved.recorder.notices == []
