"""What was there before a migration: found, kept with its row, and not dropped by its rollback."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from scripts.engine.switches import Switches
from scripts.errors import RollbackError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HEADERS = pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["in", "outside"])


@HEADERS
def test_a_table_made_by_hand_is_not_dropped_by_the_rollback_of_a_migration_that_names_it(
    workspace: Workspace, header: str
) -> None:
    workspace.query("CREATE TABLE users (id int); INSERT INTO users SELECT generate_series(1, 3)")
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS users (id int);",
        "DROP TABLE IF EXISTS users;",
        header=header,
    )
    workspace.upgrade()
    assert workspace.existed_before() == ["table users"]
    assert workspace.recorder.notices[-1].startswith(
        "table users (001) existed before the migration, whose rollback would drop it"
    )
    with pytest.raises(RollbackError) as caught:
        workspace.downgrade("base")
    assert str(caught.value).startswith(
        "error:  rolling back 001 would drop objects that existed before it"
    )
    assert caught.value.detail == "table users (3 rows)"
    assert "-x drop_existing=001" in caught.value.hint
    assert workspace.query("SELECT count(*) FROM users") == [(3,)]
    assert workspace.versions() == ["001"]


def test_a_table_that_an_earlier_migration_made_is_not_dropped_by_a_later_one(
    workspace: Workspace,
) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    workspace.add("002", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    workspace.upgrade()
    assert (workspace.existed_before("001"), workspace.existed_before("002")) == ([], ["table a"])
    with pytest.raises(RollbackError, match="rolling back 002 would drop"):
        workspace.downgrade("001")


@pytest.mark.parametrize(
    ("before", "up", "down", "expected"),
    [
        pytest.param(
            "CREATE TABLE t (a int, b int)",
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS b int, ADD COLUMN IF NOT EXISTS c int;",
            "ALTER TABLE IF EXISTS ONLY t DROP COLUMN IF EXISTS c, DROP b;",
            ["column t.b"],
            id="columns",
        ),
        pytest.param(
            "CREATE SEQUENCE s; CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a')",
            "CREATE SEQUENCE IF NOT EXISTS s; CREATE SCHEMA IF NOT EXISTS app;",
            "DROP SEQUENCE s; DROP TYPE app.mood; DROP SCHEMA app CASCADE;",
            ["sequence s", "type app.mood", "schema app"],
            id="other-kinds",
        ),
        pytest.param(
            'CREATE SCHEMA "My App"; CREATE TABLE "My App"."User" (id int); CREATE TABLE "user" ()',
            "SELECT 1;",
            'DROP TABLE "My App"."User", "user", "USER", "My App".users;',
            ["table My App.User", "table user"],
            id="quoted-and-lists",
        ),
        pytest.param(
            "CREATE SCHEMA app; CREATE TABLE app.t (); CREATE TABLE t ()",
            "SELECT 1;",
            "SET LOCAL search_path TO app, public; DROP TABLE t;",
            ["table t"],
            id="a-search-path-of-its-own",
        ),
        pytest.param(
            "CREATE TABLE t ()",
            "ALTER TABLE t RENAME TO old; CREATE TABLE t ();",
            "DROP TABLE t; ALTER TABLE old RENAME TO t;",
            [],
            id="renamed-and-made-anew",
        ),
        pytest.param("CREATE TABLE t ()", "DROP TABLE t;", "CREATE TABLE t ();", [], id="dropped"),
        pytest.param(
            "CREATE TABLE t ()",
            "SELECT 1;",
            "DROP TABLE t; CREATE TABLE t (id int);",
            [],
            id="made-again-by-down",
        ),
        pytest.param(
            "CREATE TABLE t (); CREATE VIEW v AS SELECT 1; CREATE INDEX i ON t ((1))",
            "CREATE OR REPLACE VIEW v AS SELECT 1;",
            "DROP VIEW v; DROP INDEX i;",
            ["view v", "index i"],
            id="said-only",
        ),
    ],
)
def test_what_is_the_same_before_and_after_is_kept(
    workspace: Workspace, before: str, up: str, down: str, expected: list[str]
) -> None:
    workspace.query(before)
    workspace.add("001", up, down)
    workspace.upgrade()
    assert workspace.existed_before() == expected


def test_what_can_be_made_again_is_said_and_dropped(workspace: Workspace) -> None:
    workspace.query("CREATE VIEW v AS SELECT 1")
    workspace.add("001", "CREATE OR REPLACE VIEW v AS SELECT 1;", "DROP VIEW v;")
    workspace.upgrade()
    workspace.downgrade("base")
    assert (
        "001_step.sql: drops objects that existed before it: view v" in workspace.recorder.notices
    )
    assert workspace.versions() == []


def test_it_is_dropped_where_that_is_wanted_of_the_program(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE t (id int)")
    workspace.add("001", "CREATE TABLE IF NOT EXISTS t (id int);", "DROP TABLE t;")
    workspace.upgrade()
    with pytest.raises(RollbackError):
        workspace.downgrade("base", switches=Switches(drop_existing=frozenset({2})))
    workspace.downgrade("base", switches=Switches(drop_existing=frozenset({1})))
    assert workspace.tables() == []


def test_both_doors_refuse_and_both_have_a_way_to_want_it(workspace: Workspace) -> None:
    for environment in ("auth", "course"):
        workspace.query("CREATE TABLE t (id int)", environment)
        workspace.add(
            "001",
            "CREATE TABLE IF NOT EXISTS t (id int);",
            "DROP TABLE t;",
            environment=environment,
        )
        workspace.upgrade(environment=environment)
    for done in (
        workspace.run("rollback", "--database", "auth", "--yes"),
        workspace.run("rollback", "--database", "auth", "--dry-run"),
        workspace.alembic("-n", "course", "downgrade", "-1"),
        workspace.alembic("-n", "course", "-x", "drop_existing=002", "downgrade", "-1"),
    ):
        assert done.returncode == 1
        assert "rolling back 001 would drop objects that existed before it" in done.stderr
        assert "table t (0 rows)" in done.stderr
    assert workspace.tables("auth") == workspace.tables("course") == ["t"]
    wanted = workspace.run("rollback", "--database", "auth", "--yes", "--drop-existing")
    assert wanted.returncode == 0, wanted.stderr
    wanted = workspace.alembic("-n", "course", "-x", "drop_existing=1", "downgrade", "-1")
    assert wanted.returncode == 0, wanted.stderr
    assert workspace.tables("auth") == workspace.tables("course") == []


def test_a_switch_that_there_is_none_of_is_refused(workspace: Workspace) -> None:
    workspace.add_tables("001")
    done = workspace.alembic("-n", "course", "-x", "drop_exisiting=001", "upgrade", "head")
    assert done.returncode == 2
    assert "unknown switch -x drop_exisiting" in done.stderr
    assert "did you mean -x drop_existing=VERSION?" in done.stderr
    assert workspace.tables() == []


def test_a_row_of_an_older_release_is_rolled_back_as_before(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("UPDATE schema_migrations SET existed_before = NULL")
    workspace.downgrade("base")
    assert workspace.tables() == []


def test_a_ledger_of_an_older_release_gets_the_column_at_the_next_run(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("ALTER TABLE schema_migrations DROP COLUMN existed_before")
    workspace.add_tables("002")
    workspace.upgrade()
    assert (workspace.existed_before("001"), workspace.existed_before("002")) == (None, [])


def test_a_table_that_a_step_before_renames_is_not_dropped_by_the_next(
    workspace: Workspace,
) -> None:
    workspace.query("CREATE TABLE keep (id int); INSERT INTO keep VALUES (42)")
    workspace.add("001", "CREATE TABLE IF NOT EXISTS keep (id int);", "DROP TABLE keep;")
    workspace.add("002", "ALTER TABLE keep RENAME TO kept;", "ALTER TABLE kept RENAME TO keep;")
    workspace.upgrade()
    with pytest.raises(RollbackError, match="rolling back 001 would drop"):
        workspace.downgrade("base")
    assert workspace.query("SELECT * FROM keep") == [(42,)]
    assert workspace.versions() == ["001"]


def test_a_dump_that_was_restored_keeps_its_protection(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE keep (id int)")
    workspace.add("001", "CREATE TABLE IF NOT EXISTS keep (id int);", "DROP TABLE keep;")
    workspace.upgrade()
    workspace.query("CREATE TABLE restored (LIKE keep); DROP TABLE keep")
    workspace.query("ALTER TABLE restored RENAME TO keep")
    with pytest.raises(RollbackError, match="rolling back 001 would drop"):
        workspace.downgrade("base")


def test_a_down_that_renames_before_it_drops_makes_nothing_again(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE x (id int)")
    workspace.add("001", "SELECT 1;", "CREATE TABLE y (); DROP TABLE x;")
    workspace.add("002", "SELECT 1;", "ALTER TABLE y RENAME TO z; DROP TABLE x;")
    workspace.upgrade()
    assert (workspace.existed_before("001"), workspace.existed_before("002")) == (
        ["table x"],
        ["table x"],
    )


@pytest.mark.parametrize("up", ["SET LOCAL search_path = nowhere;", "SET search_path = nowhere;"])
def test_a_search_path_that_up_leaves_behind_hides_nothing(workspace: Workspace, up: str) -> None:
    workspace.query("CREATE TABLE keep (id int)")
    workspace.add("001", up, "DROP TABLE keep;")
    workspace.upgrade()
    assert workspace.existed_before() == ["table keep"]


def test_a_program_that_gave_the_connection_has_its_notices_as_before(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001")
    engine = create_engine(workspace.urls["course"].replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        config = Config(str(workspace.root / "alembic.ini"), ini_section="course")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql("DROP TABLE IF EXISTS nothing_of_that_name")
    engine.dispose()
