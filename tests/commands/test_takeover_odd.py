"""baseline.py: ledgers that are odd, or not what they seem."""

from __future__ import annotations

import pytest

from tests.support.takeovers import (
    COURSE,
    DBMATE,
    EXACT,
    VERSIONS,
    ledger,
    migrated,
    note,
)
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def elsewhere(workspace: Workspace) -> Workspace:
    """Three migrations, two of which another tool has run."""
    return migrated(workspace)


@pytest.mark.parametrize(
    "command",
    [
        ("alembic", "-n", "course", "stamp", "--purge", "base"),
        ("alembic", "-n", "course", "upgrade", "head"),
        ("migrate", *COURSE),
        ("rollback", *COURSE, "--yes"),
        ("repair", *COURSE, "--yes"),
    ],
)
def test_nothing_else_touches_a_ledger_of_scripts(
    elsewhere: Workspace, command: tuple[str, ...]
) -> None:
    note(elsewhere, EXACT)
    before = elsewhere.dump()
    script, *options = command
    done = elsewhere.alembic(*options) if script == "alembic" else elsewhere.run(script, *options)
    assert done.returncode == 1
    said = done.stderr + done.stdout
    assert "the ledger public.schema_migrations was written by an earlier tool" in said
    assert "`python scripts/baseline.py --database course` takes it over" in said
    assert elsewhere.dump() == before
    elsewhere.query("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    assert elsewhere.run("baseline", *COURSE, "--yes").returncode == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("success boolean", "false"),
        ("status text", "'rolled_back'"),
        ("rolled_back_at timestamptz", "now()"),
        ("error text", "'duplicate key'"),
    ],
)
def test_a_row_that_says_it_is_not_applied_stops_it(
    elsewhere: Workspace, column: str, value: str
) -> None:
    note(elsewhere, EXACT)
    elsewhere.query(f"ALTER TABLE schema_migrations ADD COLUMN {column}")
    elsewhere.query(
        f"UPDATE schema_migrations SET {column.split()[0]} = {value} WHERE version = '002'"
    )
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "public.schema_migrations does not say that 002 is applied: " in done.stderr


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bigint", "1714557600"),
        ("bigint", "1714557600000"),
        ("numeric", "1714557600000000"),
        ("text", "'1714557600000'"),
        ("text", "'2024-05-01T10:00:00Z'"),
        ("date", "'2024-05-01'"),
    ],
)
def test_times_of_any_type_are_understood(elsewhere: Workspace, kind: str, value: str) -> None:
    elsewhere.query(f"CREATE TABLE schema_migrations (version text, executed_at {kind})")
    elsewhere.query(f"INSERT INTO schema_migrations VALUES ('001', {value}), ('002', {value})")
    done = elsewhere.run("baseline", *COURSE, "--yes", environment={"PGTZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, "")
    assert {str(row[2])[:10] for row in ledger(elsewhere)} == {"2024-05-01"}


@pytest.mark.parametrize("value", ["'last Tuesday'", "'0044-03-15 BC'", "''"])
def test_what_is_no_time_is_named(elsewhere: Workspace, value: str) -> None:
    elsewhere.query("CREATE TABLE schema_migrations (version text, executed_at text)")
    elsewhere.query(f"INSERT INTO schema_migrations VALUES ('001', {value}), ('002', {value})")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "error:  the column executed_at of public.schema_migrations has something" in done.stderr


def test_a_table_in_the_way_of_the_old_one_is_named_ahead(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query("INSERT INTO schema_migrations VALUES ('001'), ('002')")
    elsewhere.query("CREATE TABLE schema_migrations_before (id int)")
    done = elsewhere.run("baseline", *COURSE)
    assert done.returncode == 1
    assert "public.schema_migrations_before is there already" in done.stderr


def test_a_view_is_no_ledger(elsewhere: Workspace) -> None:
    elsewhere.query("CREATE VIEW schema_migrations AS SELECT '001' AS version")
    done = elsewhere.run("baseline", *COURSE, "--at", "002")
    assert done.returncode == 1
    assert "public.schema_migrations is no table" in done.stderr


def test_another_name_does_not_help_where_ours_is_taken(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query("CREATE TABLE done AS SELECT '001' AS version")
    done = elsewhere.run("baseline", *COURSE, "--from", "done", "--yes")
    assert done.returncode == 1
    assert "public.schema_migrations is the ledger of another tool, and in the way" in done.stderr


@pytest.mark.parametrize("name", ["step", "{}_step.js", "migrations/{}_step.up.sql", r"x\{}_step"])
def test_names_of_files_are_known_in_many_forms(elsewhere: Workspace, name: str) -> None:
    elsewhere.query("CREATE TABLE schema_migrations (version text, name text)")
    values = ", ".join(f"('{one}', '{name.format(one)}')" for one in VERSIONS[:2])
    elsewhere.query(f"INSERT INTO schema_migrations VALUES {values}")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_version_that_contradicts_the_name_is_a_difference(elsewhere: Workspace) -> None:
    elsewhere.query("CREATE TABLE schema_migrations (version text, name text)")
    elsewhere.query(
        "INSERT INTO schema_migrations VALUES ('002', '001_step.sql'), ('001', '002_step.sql')"
    )
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "its row has the version 2" in done.stdout
