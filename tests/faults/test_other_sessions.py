"""Files, ledger and event log that somebody else changes or locks while a run is at work."""

from __future__ import annotations

import re
import sys
from contextlib import closing

import psycopg2
import pytest

from scripts.errors import (
    HistoryError,
    LedgerError,
)
from tests.support.interference import Interference
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"


@pytest.mark.parametrize(
    "door", [("scripts/status.py",), ("-m", "alembic", "-n", "course", "upgrade", "head")]
)
def test_a_ledger_that_is_locked_is_not_waited_for_without_end(
    workspace: Workspace, door: tuple[str, ...]
) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE schema_migrations")
        done = workspace.execute(
            sys.executable, *door, environment={"MIGRATION_LOCK_TIMEOUT": "200ms"}
        )
    assert done.returncode == 1
    assert "error:  cannot read the ledger" in done.stderr
    assert "canceling statement due to lock timeout [55P03]" in done.stderr
    assert "state:  nothing was changed" in done.stderr
    assert workspace.versions() == ["001"]


def test_an_event_log_that_is_locked_is_done_without(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "200ms")
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE schema_migrations_events")
        workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
    [said] = workspace.recorder.notices
    assert said.startswith("cannot write the event log: canceling statement due to lock timeout")


class TestEdits:
    """Files and ledger changed by somebody else while a run is at work."""

    def test_a_file_that_is_edited_after_it_was_read_runs_as_it_was(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001", "002")
        path = workspace.root / "sql/course/002_step.sql"
        workspace.recorder = Interference(
            "001_step.sql", lambda: path.write_text(path.read_text() + "-- more\n")
        )
        workspace.upgrade()
        assert [one.row.version for one in workspace.state().changed] == ["002"]

    def test_one_too_large_to_be_kept_is_not_run_when_it_changed(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scripts.engine.run.plan._KEEP_CHARACTERS", 1)
        workspace.add_tables("001", "002")
        path = workspace.root / "sql/course/002_step.sql"
        workspace.recorder = Interference(
            "001_step.sql", lambda: path.write_text(path.read_text() + "-- -- more\n")
        )
        with pytest.raises(HistoryError, match="was changed during the run") as caught:
            workspace.upgrade()
        assert caught.value.where == "sql/course/002_step.sql"
        assert caught.value.state == "it was not run; course is at 001"
        assert workspace.versions() == ["001"]

    def test_a_row_written_by_somebody_else_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        row = "INSERT INTO schema_migrations (version, filename, checksum) VALUES ('002', 'x', 'y')"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(row))
        with pytest.raises(LedgerError, match="cannot write the ledger") as caught:
            workspace.upgrade()
        assert "duplicate key value" in caught.value.detail
        assert caught.value.state == "rolled back; course is at 001"
        assert workspace.tables() == ["t_001"]

    def test_outside_a_transaction_what_ran_is_told_when_the_ledger_refuses(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE IF NOT EXISTS b (id int);", header=OUTSIDE)
        row = "INSERT INTO schema_migrations (version, filename, checksum) VALUES ('002', 'x', 'y')"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(row))
        with pytest.raises(LedgerError) as caught:
            workspace.upgrade()
        assert caught.value.state == (
            "NOT rolled back, the file runs outside a transaction: all of its statements "
            "took effect, but the ledger does not list it; course is at 001"
        )
        assert workspace.tables() == ["b", "t_001"]

    def test_a_version_moved_by_somebody_else_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        move = "UPDATE alembic_version SET version_num = '777'"
        workspace.recorder = Interference("002_step.sql", lambda: workspace.query(move))
        with pytest.raises(LedgerError, match="alembic_version is no longer at 001"):
            workspace.upgrade()
        assert workspace.tables() == ["t_001"]

    def test_a_ledger_that_is_dropped_stops_the_step(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002")
        workspace.recorder = Interference(
            "002_step.sql", lambda: workspace.query("DROP TABLE schema_migrations")
        )
        with pytest.raises(LedgerError, match="cannot be written"):
            workspace.upgrade()
        assert workspace.tables() == ["t_001"]

    def test_a_stored_rollback_that_was_tampered_with_is_refused_with_both_checksums(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001")
        workspace.upgrade()
        workspace.query("UPDATE schema_migrations SET rollback_sql = 'DROP SCHEMA public CASCADE'")
        with pytest.raises(LedgerError, match="was changed since it was stored") as caught:
            workspace.downgrade("base")
        assert len(set(re.findall(r"\b[0-9a-f]{64}\b", caught.value.detail))) == 2
        assert "--use-file" in caught.value.hint
        assert workspace.tables() == ["t_001"]
        workspace.downgrade("base", use_file=True)
        assert workspace.tables() == []
