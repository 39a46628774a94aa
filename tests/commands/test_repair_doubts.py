"""repair.py: what is not known to be right is left, and said."""

from __future__ import annotations

import pytest

from tests.support.repairs import COURSE, behaves_as_migrated, change, release, rename
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Two migrations, committed and applied."""
    return release(workspace)


def test_without_checksum_git_may_know_of_other_sql(applied: Workspace) -> None:
    change(applied, "id int PRIMARY KEY", "id bigint PRIMARY KEY")
    applied.query("UPDATE schema_migrations SET checksum = ''")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert (
        "course: 002 is left: its row has no checksum; git has the file with other SQL, first"
        in (done.stdout)
    )


def test_two_files_with_one_text_get_a_row_each(workspace: Workspace) -> None:
    for version in ("001", "002"):
        workspace.add(version, "SELECT 1;", "SELECT 1;")
    workspace.upgrade()
    rename(workspace, "002_step", "004_step")
    rename(workspace, "001_step", "003_step")
    path = workspace.root / "course/versions/004_step.py"
    path.write_text(path.read_text().replace('"001"', '"003"'))
    done = workspace.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert workspace.versions() == ["003", "004"]
    behaves_as_migrated(workspace)


def test_a_number_above_a_pending_file_is_left(applied: Workspace) -> None:
    rename(applied, "002_step", "004_step")
    applied.add("003", "SELECT 1;", "SELECT 1;")
    path = applied.root / "course/versions/004_step.py"
    path.write_text(path.read_text().replace('"001"', '"003"'))
    path = applied.root / "course/versions/003_step.py"
    path.write_text(path.read_text().replace('"004"', '"001"'))
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert (
        "003_step.sql is not applied, and would lie below: give it a higher number" in done.stdout
    )
    assert applied.versions() == ["001", "002"]


def test_a_file_with_another_number_and_other_comments_is_found(applied: Workspace) -> None:
    rename(applied, "002_step", "003_step")
    change(applied, "SELECT 1;", "-- why not\nSELECT 1;", "003")
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "002 was applied" not in done.stdout
    assert "it was applied as 002_step.sql, whose SQL is now in 003_step.sql" in done.stdout
    behaves_as_migrated(applied)


def test_what_cannot_be_noted_is_not_done(applied: Workspace) -> None:
    change(applied, "SELECT 1;", "SELECT 1 ;")
    applied.query("ALTER TABLE schema_migrations_events ADD CHECK (event <> 'repair')")
    before = applied.query("SELECT * FROM schema_migrations ORDER BY 1")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert "error:  the event log cannot be written, which keeps what the" in done.stderr
    assert "made" not in done.stdout
    assert applied.query("SELECT * FROM schema_migrations ORDER BY 1") == before


def test_what_a_changed_down_drops_for_the_first_time_is_kept(applied: Workspace) -> None:
    applied.query("CREATE TABLE old_one (id int)")
    change(applied, "-- DROP TABLE", "-- DROP TABLE IF EXISTS old_one;\n-- DROP TABLE")
    accept = ("--accept", "2", "--reason", "it belongs to it")
    assert applied.run("repair", *COURSE, "--yes", *accept).returncode == 0
    done = applied.run("rollback", *COURSE, "--yes")
    assert done.returncode == 1
    assert "would drop objects that existed before it" in done.stderr
    assert "table old_one" in done.stderr


def test_a_ledger_without_the_column_for_checksums_is_completed(applied: Workspace) -> None:
    applied.query("ALTER TABLE schema_migrations DROP checksum, DROP rollback_checksum")
    refused = applied.run("migrate", *COURSE)
    assert refused.returncode == 1
    assert "no checksum was noted" in refused.stderr
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    behaves_as_migrated(applied)
