"""What goes wrong at moments that a run spends only a moment in: what is said then is true."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest
from alembic import command

from scripts.engine.alembic_commands import alembic_config
from scripts.engine.execution import autocommit
from scripts.engine.operations import rollback
from scripts.engine.safeguards import protection
from scripts.engine.session import signals
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.switches import Switches
from scripts.errors import HistoryError, Interrupted, MigrationError, RollbackError, ServerError
from tests.support.doors import run, start
from tests.support.interference import backend
from tests.support.servers import PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"
TWO = "CREATE TABLE IF NOT EXISTS a (id int);\nCREATE TABLE IF NOT EXISTS b (id int);"


def kill(workspace: Workspace, connection: psycopg2.extensions.connection) -> None:
    """Terminate a connection's backend."""
    end = f"SELECT pg_terminate_backend({connection.info.backend_pid})"
    psql = [str(workspace.bin / "psql"), "-XAtc", end, workspace.urls["course"]]
    subprocess.run(psql, check=True, capture_output=True)


def on_commit(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[RunConnection], None], *, after: bool
) -> None:
    """Have something happen right before each commit of a step, or after it."""
    real = RunConnection.commit

    def commit(self: RunConnection) -> None:
        if not after:
            act(self)
        real(self)
        if after:
            act(self)

    monkeypatch.setattr(RunConnection, "commit", commit)


def test_the_undoing_of_a_part_whose_commit_was_lost_is_not_said_to_be_done(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001")
    up = "CREATE TABLE IF NOT EXISTS a (id int);\nSELECT 1 / 0;"
    workspace.add("002", up, "DROP TABLE IF EXISTS a;", header=OUTSIDE)
    with pytest.raises(MigrationError):
        workspace.upgrade()
    on_commit(monkeypatch, lambda run: kill(workspace, run.raw), after=False)
    with pytest.raises(ServerError) as caught:
        workspace.downgrade("001", switches=Switches(partial=2))
    assert "the ledger shows that it was not committed" in caught.value.what
    half = workspace.state().half_applied
    assert half
    assert half.version == "002"


def test_a_connection_that_goes_after_the_last_commit_is_no_failure(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    on_commit(monkeypatch, lambda run: kill(workspace, run.raw), after=True)
    workspace.upgrade()
    assert workspace.versions() == ["001"]
    assert any("cannot read what existed before" in one for one in workspace.recorder.notices)


def test_a_signal_between_two_statements_outside_a_transaction_counts_what_ran(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add("001", f"{TWO}\nSELECT 1;", "DROP TABLE IF EXISTS a, b;", header=OUTSIDE)
    real = autocommit._Section.prepare

    def prepare(self: autocommit._Section, statement: object, ran: int) -> None:
        if ran == 2:
            signals._received.append(signal.SIGTERM)
            raise psycopg2.errors.QueryCanceled("canceled")
        real(self, statement, ran)  # type: ignore[arg-type]

    monkeypatch.setattr(autocommit._Section, "prepare", prepare)
    with pytest.raises(Interrupted) as caught:
        workspace.upgrade()
    assert "2 of its 3 statements took effect" in caught.value.state


def test_a_connection_that_goes_while_a_rollback_is_shown_is_an_error_without_a_traceback(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    real = protection.losses

    def losses(connection: psycopg2.extensions.connection, steps: object) -> object:
        kill(workspace, connection)
        return real(connection, steps)  # type: ignore[arg-type]

    monkeypatch.setattr(protection, "losses", losses)
    with pytest.raises(ServerError) as caught:
        rollback.plan([workspace.settings_of()], rollback.Wanted(), lambda _: None)
    assert caught.value.what == "the connection was lost"
    assert caught.value.state == "nothing was changed; course is at 001"


def test_the_ledgers_connection_that_goes_during_the_last_statement_outside(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add("001", TWO, "DROP TABLE IF EXISTS a, b;", header=OUTSIDE)
    monkeypatch.setenv("COURSE_DB_DIRECT_URL", workspace.urls["course"])
    real = autocommit._Section.leave

    def leave(self: autocommit._Section) -> None:
        kill(workspace, self.owner.connection.raw)
        real(self)

    monkeypatch.setattr(autocommit._Section, "leave", leave)
    with pytest.raises(MigrationError) as caught:
        workspace.upgrade()
    assert "all of its statements took effect" in caught.value.state
    assert workspace.tables() == ["a", "b"]


def test_a_rollback_that_is_refused_after_another_one_says_where_the_database_is(
    workspace: Workspace,
) -> None:
    workspace.query("CREATE TABLE kept (id int)")
    again = "CREATE TABLE IF NOT EXISTS kept (id int);"
    workspace.add("001", again, "SELECT 1;")
    workspace.add("002", again, "DROP TABLE IF EXISTS kept;")
    workspace.add("003", "ALTER TABLE kept RENAME TO x;", "ALTER TABLE x RENAME TO kept;")
    workspace.upgrade()
    with pytest.raises(RollbackError) as caught:
        workspace.downgrade("001")
    assert workspace.versions() == ["001", "002"]
    assert caught.value.state == "course is at 002"


def test_what_was_never_applied_is_not_rolled_back_with_its_file(workspace: Workspace) -> None:
    workspace.add_tables("001", "003")
    workspace.upgrade()
    workspace.remove("003")
    workspace.add_tables("002", "003")
    workspace.query("CREATE TABLE t_002 (id int)")  # somebody else's
    config = alembic_config.make(workspace.project, workspace.environment(), workspace.recorder)
    config.attributes["switches"] = Switches(use_file=True)
    with pytest.raises(HistoryError, match="002 was never applied"):
        command.downgrade(config, "base")
    assert workspace.tables() == ["t_001", "t_002", "t_003"]


def test_a_signal_ends_a_stamp_that_waits_for_a_lock(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE schema_migrations IN SHARE MODE")
        arguments = ("-m", "alembic", "-n", "course", "stamp", "001")
        waiting = start(workspace, *arguments, environment={"MIGRATION_LOCK_TIMEOUT": "20min"})
        blocked = f"{backend('true')} AND wait_event_type = 'Lock'"
        until(lambda: workspace.query(blocked), "the stamp to wait")
        waiting.terminate()
        said = waiting.communicate(timeout=PATIENCE)[0]
    assert waiting.returncode == 143
    assert "error:  interrupted by SIGTERM" in said
    assert workspace.versions() == ["001", "002"]


@pytest.mark.parametrize("door", [("alembic", "upgrade", "head"), ("migrate",)])
def test_nothing_to_do_beside_a_rollback_at_work_waits_for_it(
    workspace: Workspace, door: tuple[str, ...]
) -> None:
    workspace.add_tables("001")
    down = "SELECT pg_advisory_lock(4711);\nSELECT pg_advisory_unlock(4711);"
    workspace.add("002", "SELECT 1;", down, header=OUTSIDE)
    workspace.upgrade()
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("SELECT pg_advisory_lock(4711)")
        first = start(workspace, "scripts/rollback.py", "--database", "course", "--yes")
        waits = f"{backend('true')} AND query LIKE '%pg_advisory_lock(4711)%'"
        until(lambda: workspace.query(waits), "the rollback to be at work")
        ended: list[int] = []
        second = threading.Thread(target=lambda: ended.append(run(workspace, *door).returncode))
        second.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory%'"
        until(lambda: workspace.query(waiting) or ended, "the second run to wait")
        other.rollback()
    assert first.communicate(timeout=PATIENCE)[0]
    second.join(PATIENCE)
    assert (first.returncode, ended) == (0, [0])
    assert workspace.versions() == ["001", "002"]


@pytest.mark.parametrize("words", ["upgrade", "downgrade"])
def test_an_empty_version_is_wrong_usage(workspace: Workspace, words: str) -> None:
    workspace.add_tables("001")
    done = run(workspace, "alembic", words, "")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "error:  the version is empty" in done.stderr


def test_several_versions_for_a_script_of_a_stamp_are_wrong_usage(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    done = run(workspace, "alembic", "stamp", "001", "002", "--sql")
    assert done.returncode == 2
    assert "a stamp takes one version" in done.stderr
    assert "INSERT" not in done.stdout
