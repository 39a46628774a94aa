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
        "complete by now; rows are not compared: see that they are as the file leaves them\n"
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
