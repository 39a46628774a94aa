"""What a rollback destroys is said before it runs: tables and columns with their rows."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.objects import loss
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def destroyed(workspace: Workspace, up: str, down: str, *later: str) -> list[str]:
    """Apply a migration, change the database, and return what its rollback says it destroys."""
    workspace.add("001", up, down)
    workspace.upgrade()
    for text in later:
        workspace.query(text)
    workspace.recorder.notices.clear()
    done = workspace.run("rollback", "--database", "course", "--dry-run")
    assert done.returncode == 0, done.stderr
    marked = [line for line in done.stdout.splitlines() if line.startswith("  destroys ")]
    return [line.removeprefix("  destroys ") for line in marked]


@pytest.mark.parametrize(
    ("up", "down", "later", "expected"),
    [
        pytest.param(
            "CREATE TABLE a (id int); CREATE TABLE b (id int);",
            "DROP TABLE a, b;",
            "INSERT INTO a SELECT generate_series(1, 1234); INSERT INTO b VALUES (1)",
            ["table a (1,234 rows)", "table b (1 row)"],
            id="tables",
        ),
        pytest.param(
            "CREATE TABLE a (id int); ALTER TABLE a ADD COLUMN note text;",
            "ALTER TABLE a DROP COLUMN note;",
            "INSERT INTO a VALUES (1), (2)",
            ["column a.note (2 rows)"],
            id="a-column",
        ),
        pytest.param(
            "CREATE SCHEMA app; CREATE TABLE app.a (id int);",
            "DROP SCHEMA app CASCADE;",
            'CREATE TABLE app."By Hand" (id int); INSERT INTO app."By Hand" VALUES (1)',
            ['table app."By Hand" (1 row)', "table app.a (0 rows)"],
            id="all-of-a-schema",
        ),
        pytest.param(
            "CREATE TYPE mood AS ENUM ('a');",
            "DROP TYPE mood CASCADE;",
            "CREATE TABLE p (id int, m mood); INSERT INTO p VALUES (1, 'a')",
            ["column p.m (1 row)"],
            id="columns-of-a-type",
        ),
        pytest.param(
            "CREATE TABLE e (at date) PARTITION BY RANGE (at);",
            "DROP TABLE e;",
            "CREATE TABLE e1 PARTITION OF e DEFAULT; INSERT INTO e VALUES (now())",
            ["table e (1 row)", "table e1 (1 row)"],
            id="partitions",
        ),
        pytest.param(
            "CREATE TABLE a (id int); CREATE VIEW v AS SELECT * FROM a; CREATE INDEX i ON a (id);",
            "DROP VIEW v; DROP INDEX i;",
            "SELECT 1",
            [],
            id="nothing-that-holds-rows",
        ),
        pytest.param(
            "CREATE TABLE a (id int);",
            "DROP TABLE a; CREATE TABLE a (id int);",
            "INSERT INTO a VALUES (1)",
            ["table a (1 row)"],
            id="made-again-without-its-rows",
        ),
    ],
)
def test_the_tables_and_columns_that_go_are_named_with_their_rows(
    workspace: Workspace, up: str, down: str, later: str, expected: list[str]
) -> None:
    assert destroyed(workspace, up, down, later) == expected


def test_many_rows_are_given_by_the_statistics_and_it_is_said(workspace: Workspace) -> None:
    rows = loss.MOST_COUNTED + 1
    [said] = destroyed(
        workspace,
        "CREATE TABLE a (id int);",
        "DROP TABLE a;",
        f"INSERT INTO a SELECT generate_series(1, {rows}); ANALYZE a",
    )
    assert said == f"table a (about {rows:,} rows according to the statistics)"


@pytest.mark.parametrize("analyzed", ["ANALYZE a", "SELECT 1"])
def test_statistics_that_are_behind_are_not_believed(workspace: Workspace, analyzed: str) -> None:
    [said] = destroyed(
        workspace,
        "CREATE TABLE a (id int);",
        "DROP TABLE a;",
        f"INSERT INTO a VALUES (1); {analyzed}",
        f"INSERT INTO a SELECT generate_series(1, {loss.MOST_COUNTED + 5})",
    )
    assert said == "table a (more than 100,000 rows)"


def test_rows_that_a_policy_hides_are_not_said_to_be_none(workspace: Workspace) -> None:
    [said] = destroyed(
        workspace,
        "CREATE TABLE a (id int);",
        "DROP TABLE a;",
        "INSERT INTO a SELECT generate_series(1, 42); ALTER TABLE a ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE a FORCE ROW LEVEL SECURITY",
    )
    assert said == "table a (unknown number of rows)"


def test_a_table_that_is_locked_is_not_waited_for(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a (id int);", "DROP TABLE a;")
    workspace.upgrade()
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE a")
        done = workspace.run("rollback", "--database", "course", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "  destroys table a (unknown number of rows)" in done.stdout


def test_plain_alembic_says_it_as_well(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("INSERT INTO t_001 VALUES (1)")
    done = workspace.alembic("-n", "course", "downgrade", "base")
    assert "course: 001_step.sql: destroys table t_001 (1 row)" in done.stderr


def test_json_has_the_losses_and_the_server_as_fields(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    done = workspace.run("rollback", "--database", "course", "--dry-run", "--json")
    [event] = [json.loads(line) for line in done.stdout.splitlines()]
    assert event["destroys"] == [
        {"kind": "table", "name": "t_001", "rows": 0, "exact": True, "more": False}
    ]
    assert event["server"].startswith("migrator@this machine:")
