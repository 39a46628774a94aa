"""Rolling back: with what was applied, whatever the files say today."""

from __future__ import annotations

import pytest

from scripts.errors import FormatError, LedgerError, RollbackError, StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def forget_checksums(workspace: Workspace) -> None:
    """Make the ledger one of an older tool."""
    workspace.query("ALTER TABLE schema_migrations DROP COLUMN rollback_checksum")


def test_a_downgrade_runs_the_stored_sql_not_what_the_file_says_today(workspace: Workspace) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);", "-- DROP TABLE a;")
    workspace.upgrade()
    path.write_text(path.read_text().replace("DROP TABLE a", "DROP TABLE nonsense"))
    workspace.downgrade("base")
    assert workspace.tables() == workspace.versions() == workspace.alembic_version() == []


def test_use_file_runs_the_file_instead(workspace: Workspace) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);", "-- DROP TABLE broken;")
    workspace.upgrade()
    path.write_text(path.read_text().replace("DROP TABLE broken", "DROP TABLE a"))
    with pytest.raises(StatementError, match=r'table "broken" does not exist'):
        workspace.downgrade("base")
    workspace.downgrade("base", use_file=True)
    assert workspace.tables() == []


def test_a_failed_downgrade_changes_nothing_and_names_the_line_of_the_stored_sql(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);", "DROP TABLE a;\n\nDROP TABLE b;")
    workspace.upgrade()
    before = workspace.dump()
    with pytest.raises(StatementError) as caught:
        workspace.downgrade("base")
    assert caught.value.where == "rollback_sql of 002 in public.schema_migrations:3"
    assert caught.value.state == "the rollback failed and was undone; course is still at 002"
    assert workspace.dump() == before


def test_nothing_is_rolled_back_when_one_of_several_can_not_be(workspace: Workspace) -> None:
    workspace.add(
        "001", "CREATE TABLE a (id int);", header="-- Irreversible: the old data is gone\n"
    )
    workspace.add_tables("002", "003")
    workspace.upgrade()
    with pytest.raises(RollbackError) as caught:
        workspace.downgrade("base")
    assert "001 is declared irreversible: the old data is gone" in str(caught.value)
    assert workspace.versions() == ["001", "002", "003"]
    workspace.downgrade("001")
    assert workspace.tables() == ["a"]


def test_irreversible_holds_when_the_file_is_gone(workspace: Workspace) -> None:
    workspace.add(
        "001", "CREATE TABLE a (id int);", header="-- Irreversible: the old data is gone\n"
    )
    workspace.upgrade()
    workspace.remove("001")
    with pytest.raises(RollbackError, match="the old data is gone"):
        workspace.downgrade("base")


def test_an_empty_down_is_said_and_not_an_error(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a (id int);")
    workspace.upgrade()
    workspace.downgrade("base")
    assert workspace.recorder.notices == ["001_step.sql has an empty DOWN: nothing ran"]
    assert workspace.tables() == ["a"]


def test_a_row_without_rollback_sql_is_refused_with_the_way_out(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("UPDATE schema_migrations SET rollback_sql = NULL")
    forget_checksums(workspace)
    with pytest.raises(RollbackError, match="stores no rollback SQL for 001") as caught:
        workspace.downgrade("base")
    assert "--use-file" in caught.value.hint


def test_stored_sql_that_can_not_be_split_is_refused_before_anything_runs(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    workspace.query(
        "UPDATE schema_migrations SET rollback_sql = 'DROP TABLE ''a' WHERE version = '001'"
    )
    forget_checksums(workspace)
    with pytest.raises(FormatError, match="never closed") as caught:
        workspace.downgrade("base")
    assert caught.value.where == "rollback_sql of 001 in public.schema_migrations:1"
    assert workspace.versions() == ["001", "002"]


def test_an_older_tools_commented_out_rollback_is_run_not_ignored(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query(
        "UPDATE schema_migrations SET rollback_sql = E'-- DROP TABLE IF EXISTS t_001;\\n'"
    )
    forget_checksums(workspace)
    workspace.downgrade("base")
    assert workspace.tables() == []


class TestOlderCode:
    """The database is at a version whose file is not in this checkout."""

    @pytest.fixture
    def ahead(self, workspace: Workspace) -> Workspace:
        """Apply three migrations, then go back to a release that knows the first only."""
        workspace.add_tables("001", "002", "003")
        workspace.upgrade()
        workspace.remove("002")
        workspace.remove("003")
        return workspace

    def test_plain_alembic_rolls_back_what_it_has_no_file_for(self, ahead: Workspace) -> None:
        done = ahead.alembic("-n", "course", "downgrade", "-1")
        assert done.returncode == 0
        assert "course: rolled back 003_step.sql (" in done.stderr
        assert ahead.tables() == ["t_001", "t_002"]
        assert ahead.versions() == ["001", "002"]
        assert ahead.alembic("-n", "course", "downgrade", "base").returncode == 0
        assert ahead.tables() == []

    def test_upgrade_head_changes_nothing_and_says_that_the_database_is_ahead(
        self, ahead: Workspace
    ) -> None:
        before = ahead.dump()
        done = ahead.alembic("-n", "course", "upgrade", "head")
        assert done.returncode == 0
        assert "course: the database is ahead of this code by 002, 003" in done.stderr
        assert ahead.dump() == before

    def test_current_shows_the_version_it_has_no_file_for(self, ahead: Workspace) -> None:
        done = ahead.alembic("-n", "course", "current")
        assert (done.returncode, done.stdout) == (0, "003 (ahead of this checkout)\n")

    def test_the_state_names_what_is_ahead(self, ahead: Workspace) -> None:
        assert [applied.row.version for applied in ahead.state().ahead] == ["002", "003"]

    def test_a_pending_migration_beside_the_unknown_ones_is_refused(self, ahead: Workspace) -> None:
        ahead.add("002", "CREATE TABLE other (id int);", slug="other")
        with pytest.raises(LedgerError, match="changed after being applied"):
            ahead.upgrade()

    def test_use_file_without_a_file_is_refused(self, ahead: Workspace) -> None:
        with pytest.raises(RollbackError, match="the file of 003 is not in this checkout"):
            ahead.downgrade("001", use_file=True)
