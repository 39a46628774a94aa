"""baseline.py: a database that something else has migrated gets a ledger if files fit it."""

from __future__ import annotations

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def elsewhere(workspace: Workspace) -> Workspace:
    """Three migrations, two of which somebody has run by hand."""
    for version in ("001", "002", "003"):
        workspace.add(
            version,
            f"CREATE TABLE IF NOT EXISTS t_{version} (id int PRIMARY KEY, name text);",
            f"-- DROP TABLE IF EXISTS t_{version};",
        )
    for version in ("001", "002"):
        workspace.query(f"CREATE TABLE t_{version} (id int PRIMARY KEY, name text)")
    return workspace


def ledger(workspace: Workspace) -> list[tuple[object, ...]]:
    return workspace.query("SELECT to_regclass('schema_migrations') IS NOT NULL")


def test_a_database_that_is_what_the_files_make_gets_its_ledger(elsewhere: Workspace) -> None:
    done = elsewhere.run("baseline", "--database", "course", "--at", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "course: at 002; wrote 2 migrations, nothing was run\n"
    assert elsewhere.query("SELECT version FROM schema_migrations ORDER BY 1") == [
        ("001",),
        ("002",),
    ]
    assert elsewhere.query("SELECT version_num FROM alembic_version") == [("002",)]
    assert elsewhere.query("SELECT event, version, error FROM schema_migrations_events") == [
        ("baseline", "002", None)
    ]


def test_afterwards_it_is_like_one_that_was_migrated_from_the_start(elsewhere: Workspace) -> None:
    elsewhere.run("baseline", "--database", "course", "--at", "002")
    course = ("--database", "course")
    applied = elsewhere.run("migrate", *course)
    assert "003_step.sql" in applied.stdout
    assert elsewhere.run("validate", "--live", *course).returncode == 0
    # Nothing counts as having existed before: its DOWN drops it.
    assert elsewhere.run("rollback", *course, "--to", "base", "--yes").returncode == 0
    assert elsewhere.query("SELECT to_regclass('t_001'), to_regclass('t_002')") == [(None, None)]
    assert elsewhere.alembic("-n", "course", "upgrade", "head").returncode == 0


def test_a_difference_is_shown_and_refused(elsewhere: Workspace) -> None:
    elsewhere.query("ALTER TABLE t_002 DROP COLUMN name")
    elsewhere.query("CREATE TABLE theirs (id int)")
    done = elsewhere.run("baseline", "--database", "course", "--at", "002")
    assert done.returncode == 1
    assert "column public.t_002.name is not there [live-drift]\n" in done.stdout
    assert "    - ALTER TABLE public.t_002 ADD COLUMN name text\n" in done.stdout
    assert "table public.theirs is made by no migration [live-drift]\n" in done.stdout
    assert (
        "error:  the database is not what the migrations up to 002 make: 2 differences\n"
        "at:     course\nstate:  nothing was changed\n"
    ) in done.stderr
    assert ledger(elsewhere) == [(False,)]


def test_a_difference_that_is_accepted_is_recorded(elsewhere: Workspace) -> None:
    elsewhere.query("CREATE TABLE theirs (id int)")
    reason = "the audit tables move next week"
    command = ("--database", "course", "--at", "002", "--accept-differences", reason)
    done = elsewhere.run("baseline", *command)
    assert done.returncode == 0, done.stderr
    assert "table public.theirs is made by no migration" in done.stdout
    assert elsewhere.query("SELECT event, error FROM schema_migrations_events") == [
        ("baseline", reason)
    ]


def test_what_is_ignored_by_name_is_no_difference(elsewhere: Workspace) -> None:
    elsewhere.query("CREATE TABLE theirs (id int)")
    elsewhere.ignore("public.theirs")
    assert elsewhere.run("baseline", "--database", "course", "--at", "002").returncode == 0


@pytest.mark.parametrize("at", ["001", "003"])
def test_another_version_than_it_has_is_refused(elsewhere: Workspace, at: str) -> None:
    done = elsewhere.run("baseline", "--database", "course", "--at", at)
    assert done.returncode == 1
    assert f"not what the migrations up to {at} make: 1 difference" in done.stderr
    assert ledger(elsewhere) == [(False,)]


def test_a_database_that_has_a_ledger_is_refused(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    done = workspace.run("baseline", "--database", "course", "--at", "001")
    assert done.returncode == 1
    assert "error:  the database has a ledger already, and is at 001\n" in done.stderr


def test_a_version_that_is_not_there_is_refused(elsewhere: Workspace) -> None:
    done = elsewhere.run("baseline", "--database", "course", "--at", "007")
    assert done.returncode == 1
    assert "error:  there is no migration 007\n" in done.stderr
    assert elsewhere.run("baseline", "--database", "course", "--at", "x").returncode in (1, 2)
    assert ledger(elsewhere) == [(False,)]
