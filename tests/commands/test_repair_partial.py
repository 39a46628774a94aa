"""repair.py: a half-applied file that somebody has completed, or undone, by hand."""

from __future__ import annotations

import pytest

from scripts.errors import StatementError
from tests.support.repairs import COURSE, behaves_as_migrated
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def half(workspace: Workspace) -> Workspace:
    """Course at 001, and the first of two statements of 002 done."""
    workspace.add("001", "CREATE TABLE IF NOT EXISTS b (id int);", "DROP TABLE IF EXISTS b;")
    workspace.upgrade()
    workspace.query("INSERT INTO b VALUES (1), (1)")
    up = "CREATE TABLE IF NOT EXISTS a (id int);\n"
    up += "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS b_id ON b (id);"
    down = "DROP INDEX CONCURRENTLY IF EXISTS b_id;\nDROP TABLE IF EXISTS a;"
    workspace.add("002", up, down, header="-- Transaction: none\n-- Lock-Timeout: 1s\n")
    with pytest.raises(StatementError):
        workspace.upgrade()
    workspace.query("DELETE FROM b")
    workspace.query("DROP INDEX IF EXISTS b_id")
    return workspace


def test_a_file_that_was_completed_by_hand_gets_its_row(half: Workspace) -> None:
    half.query("CREATE UNIQUE INDEX b_id ON b (id)")
    done = half.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "course: 002 it gets its row: it was half applied, and the catalog shows that it is "
        "complete by now\n"
        "course: 1 change made, noted in the event log; at 002\n"
    )
    assert (half.versions(), half.alembic_version()) == (["001", "002"], ["002"])
    assert half.state().partial == ()
    behaves_as_migrated(half)


def test_a_file_that_was_undone_by_hand_counts_as_not_applied(half: Workspace) -> None:
    half.query("DROP TABLE a")
    done = half.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "002 it counts as not applied: it was half applied, and the catalog shows" in done.stdout
    assert half.state().partial == ()
    assert half.versions() == ["001"]
    behaves_as_migrated(half)


def test_a_file_that_is_still_half_applied_is_left(half: Workspace) -> None:
    done = half.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert "002 is left: 1 of 2 statements took effect; failed" in done.stdout
    assert "the database is neither as with it nor as without it\n" in done.stdout
    assert "  index public.b_id is not there\n" in done.stdout
    accept = (*COURSE, "--yes", "--accept", "002", "--reason", "the index comes with the next")
    assert half.run("repair", *accept).returncode == 0
    assert half.versions() == ["001", "002"]


def test_a_rollback_that_was_completed_by_hand_takes_the_row_away(half: Workspace) -> None:
    half.upgrade()
    half.query("CREATE VIEW v AS SELECT * FROM a")
    assert half.run("rollback", *COURSE, "--yes").returncode == 1
    assert "PARTIAL rollback 1/2" in half.run("status", *COURSE).stdout
    half.query("DROP VIEW v")
    half.query("DROP TABLE a")
    done = half.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "002 its row is taken away: it was half rolled back, and the" in done.stdout
    assert (half.versions(), half.alembic_version()) == (["001"], ["001"])
    behaves_as_migrated(half)


def test_a_rollback_whose_file_is_complete_again_counts_as_applied(half: Workspace) -> None:
    half.upgrade()
    half.query("CREATE VIEW v AS SELECT * FROM a")
    assert half.run("rollback", *COURSE, "--yes").returncode == 1
    half.query("DROP VIEW v")
    half.query("CREATE UNIQUE INDEX b_id ON b (id)")
    done = half.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "002 it counts as applied: it was half rolled back, and the" in done.stdout
    assert half.state().partial == ()
    behaves_as_migrated(half)


INSERTS = """INSERT INTO b VALUES (77);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS b_id ON b (id);"""
UPDATES = """CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS b_id ON b (id);
UPDATE b SET id = id / 0;"""


@pytest.mark.parametrize(
    ("up", "line"),
    [
        pytest.param(INSERTS, 6, id="as without it, but for a row"),
        pytest.param(UPDATES, 7, id="as with it, but for a row"),
    ],
)
def test_what_a_statement_did_to_rows_is_never_guessed(
    workspace: Workspace, up: str, line: int
) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS b (id int);", "DROP TABLE IF EXISTS b;")
    workspace.upgrade()
    rows = "(1), (1)" if "77" in up else "(1)"
    workspace.query(f"INSERT INTO b VALUES {rows}")
    down = "DROP INDEX CONCURRENTLY IF EXISTS b_id;"
    workspace.add("002", up, down, header="-- Transaction: none\n")
    with pytest.raises(StatementError):
        workspace.upgrade()
    before = workspace.dump()
    done = workspace.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert f"line {line} may change rows, which are not compared" in done.stdout
    assert workspace.dump() == before


def test_a_rollback_that_failed_at_rows_is_left(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS b (id int);", "DROP TABLE IF EXISTS b;")
    down = "DROP INDEX CONCURRENTLY IF EXISTS b_id;\nUPDATE b SET id = id / 0;"
    up = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS b_id ON b (id);"
    workspace.add("002", up, down, header="-- Transaction: none\n")
    workspace.upgrade()
    workspace.query("INSERT INTO b VALUES (1)")
    assert workspace.run("rollback", *COURSE, "--yes").returncode == 1
    done = workspace.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert "may change rows, which are not compared" in done.stdout
    assert "with --accept 002 --reason TEXT its row is taken away" in done.stdout
    assert workspace.versions() == ["001", "002"]


def test_one_version_gets_one_repair(half: Workspace) -> None:
    half.upgrade()
    half.query("CREATE VIEW v AS SELECT * FROM a")
    assert half.run("rollback", *COURSE, "--yes").returncode == 1
    half.query("DROP VIEW v")
    half.query("DROP TABLE a")
    half.query("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '002'")
    done = half.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert done.stdout.count("course: 002") == 1
    assert "besides, git's history does not have the text that was applied" in done.stdout
    accept = ("--accept", "002", "--reason", "looked at by two")
    assert half.run("repair", *COURSE, "--yes", *accept).returncode == 0
    assert half.versions() == ["001"]
