"""The ledger, Alembic's table or the event log is gone: a migration hid it, or somebody did it."""

from __future__ import annotations

import json

import pytest

from scripts.errors import LedgerError
from tests.support.doors import run
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"


def hidden(statement: str) -> str:
    """Return a statement that the text does not show."""
    return f"DO $$ BEGIN EXECUTE '{statement}'; END $$;"


class TestNoticedAfter:
    """A DO block did it."""

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("DROP TABLE schema_migrations", "the ledger public.schema_migrations"),
            ("ALTER TABLE schema_migrations RENAME TO old", "the ledger public.schema_migrations"),
            ("DROP TABLE alembic_version", "Alembic''s table public.alembic_version"),
        ],
    )
    @pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
    @pytest.mark.parametrize("door", ["alembic", "migrate"])
    def test_in_a_transaction_the_migration_is_named_and_rolled_back(
        self, workspace: Workspace, door: str, first: bool, statement: str, what: str
    ) -> None:
        if not first:
            workspace.add_tables("001")
            workspace.upgrade()
        workspace.add("002", f"CREATE TABLE a ();\n{hidden(statement)}")
        command = ("alembic", "upgrade", "head") if door == "alembic" else ("migrate",)
        done = run(workspace, *command)
        assert done.returncode == 1
        what = what.replace("''", "'")
        assert f"error:  002_step.sql dropped or renamed {what}\n" in done.stderr
        assert f"state:  rolled back; course is at {'base' if first else '001'}" in done.stderr
        assert "remove that from the migration" in done.stderr
        assert workspace.tables() == ([] if first else ["t_001"])
        assert workspace.versions() == ([] if first else ["001"])

    def test_a_schema_that_is_dropped_with_the_ledger_is_noticed(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIGRATION_TABLE", "ops.ledger")
        workspace.add_tables("001")
        workspace.add("002", hidden("DROP SCHEMA ops CASCADE"))
        with pytest.raises(LedgerError) as caught:
            workspace.upgrade()
        assert caught.value.what == "002_step.sql dropped or renamed the ledger ops.ledger"
        assert workspace.query("SELECT version FROM ops.ledger") == [("001",)]

    def test_a_rollback_in_a_transaction_is_named_too(self, applied: Workspace) -> None:
        applied.add("003", "SELECT 1;", hidden("DROP TABLE schema_migrations"))
        applied.upgrade()
        with pytest.raises(LedgerError, match=r"003_step\.sql dropped or renamed the ledger"):
            applied.downgrade("002")
        assert applied.versions() == ["001", "002", "003"]

    @pytest.mark.parametrize("door", ["alembic", "migrate"])
    def test_outside_a_transaction_it_says_that_all_has_taken_effect_and_how_to_go_on(
        self, applied: Workspace, door: str
    ) -> None:
        applied.add(
            "003",
            f"CREATE TABLE IF NOT EXISTS a ();\n{hidden('DROP TABLE schema_migrations')}\n"
            "CREATE TABLE b ();",
            header=OUTSIDE,
        )
        command = ("alembic", "upgrade", "head") if door == "alembic" else ("migrate",)
        done = run(applied, *command)
        assert done.returncode == 1
        assert (
            "error:  the ledger public.schema_migrations cannot be written: 003_step.sql "
            "dropped or renamed it, or another session did" in done.stderr
        )
        assert "all of its statements took effect" in done.stderr
        assert "alembic -n course stamp --purge VERSION" in done.stderr
        assert applied.tables() == ["a", "b", "t_001", "t_002"]
        assert run(applied, "alembic", "stamp", "--purge", "003").returncode == 0
        assert applied.versions() == ["001", "002", "003"]
        assert run(applied, "status").returncode == 0

    def test_outside_a_transaction_a_log_that_is_dropped_is_said_with_the_file(
        self, workspace: Workspace
    ) -> None:
        workspace.add(
            "001",
            f"{hidden('DROP TABLE schema_migrations_events')}\nCREATE TABLE a ();",
            header=OUTSIDE,
        )
        workspace.upgrade()
        [said] = workspace.recorder.notices
        assert said.startswith(
            "cannot write the event log: 001_step.sql dropped or renamed it, or another "
            "session did: "
        )
        assert workspace.versions() == ["001"]


class TestGone:
    """The ledger is gone, and Alembic's version is not."""

    @pytest.fixture
    def gone(self, applied: Workspace) -> Workspace:
        applied.query("DROP TABLE schema_migrations")
        return applied

    @pytest.mark.parametrize("command", [("rollback", "--yes"), ("rollback", "--dry-run")])
    def test_a_rollback_says_that_the_two_disagree(
        self, gone: Workspace, command: tuple[str, ...]
    ) -> None:
        done = run(gone, *command)
        assert done.returncode == 1
        assert (
            "error:  Alembic's version is 002, but there is no ledger "
            "public.schema_migrations\nat:     course\ndetail: the ledger was dropped or renamed"
            in done.stderr
        )
        assert "nothing to roll back" not in done.stdout

    def test_status_says_it_and_still_shows_the_other_database(self, gone: Workspace) -> None:
        gone.add_tables("001", environment="auth")
        done = gone.run("status")
        assert done.returncode == 1
        assert "\n  empty, 0 applied, 1 pending\n" in done.stdout
        assert "course" not in done.stdout
        assert "Alembic's version is 002, but there is no ledger" in done.stderr
        assert "alembic -n course stamp --purge 002" in done.stderr

    def test_status_shows_the_table_of_a_ledger_that_merely_differs(
        self, applied: Workspace
    ) -> None:
        applied.query("DELETE FROM schema_migrations WHERE version = '002'")
        done = run(applied, "status")
        assert done.returncode == 1
        assert "\n  at 001, 1 applied, 1 pending\n" in done.stdout
        assert "the ledger and Alembic's version disagree" in done.stderr

    def test_json_carries_it(self, gone: Workspace) -> None:
        done = gone.run("status", "--json")
        auth, course = json.loads(done.stdout)["databases"]
        assert done.returncode == 1
        assert auth["error"] is None
        assert course["alembic_version"] == ["002"]
        assert course["error"]["error"].startswith("Alembic's version is 002, but there is")
        assert course["error"]["help"].startswith("`alembic -n course stamp --purge 002`")
