"""Migrations that drop or rename the ledger, Alembic's table or the event log."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

import pytest

from scripts.errors import LedgerError
from tests.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"


def run(workspace: Workspace, *command: str) -> CompletedProcess[str]:
    """Run a command of either door."""
    script, *options = command
    if script == "alembic":
        return workspace.alembic("-n", "course", *options)
    return workspace.run(script, "--database", "course", *options)


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Two migrations, applied."""
    workspace.add_tables("001", "002")
    workspace.upgrade()
    return workspace


class TestSeenInTheText:
    """Refused before anything is run."""

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("DROP TABLE IF EXISTS schema_migrations;", "drop the ledger public.schema_migrations"),
            (
                'DROP TABLE a, public."schema_migrations" CASCADE;',
                "drop the ledger public.schema_migrations",
            ),
            (
                "ALTER TABLE schema_migrations RENAME TO old;",
                "rename the ledger public.schema_migrations",
            ),
            (
                "ALTER TABLE schema_migrations SET SCHEMA old;",
                "rename the ledger public.schema_migrations",
            ),
            (
                "ALTER TABLE schema_migrations DROP COLUMN rollback_sql;",
                "drop the column rollback_sql of the ledger public.schema_migrations",
            ),
            ("TRUNCATE a, ONLY Schema_Migrations;", "empty the ledger public.schema_migrations"),
            ("DROP TABLE alembic_version;", "drop Alembic's table public.alembic_version"),
            (
                "DROP TABLE schema_migrations_events;",
                "drop the event log public.schema_migrations_events",
            ),
            (
                "DROP SCHEMA public CASCADE;",
                "drop the schema public, which has the ledger",
            ),
            (
                'SET search_path = "$user", public, a;\nDROP TABLE schema_migrations;',
                "drop the ledger public.schema_migrations",
            ),
        ],
        ids=lambda value: value[:40],
    )
    def test_what_would_take_them_away_is_refused_with_its_line(
        self, applied: Workspace, statement: str, said: str
    ) -> None:
        before = applied.dump()
        applied.add_tables("003")
        applied.add("004", f"SELECT 1;\n{statement}")
        with pytest.raises(LedgerError) as caught:
            applied.upgrade()
        assert caught.value.what == f"course: 004_step.sql would {said}"
        line = 6 + statement.count("\n")
        assert caught.value.where == f"sql/course/004_step.sql:{line}"
        assert caught.value.state == "nothing was changed"
        assert "set MIGRATION_TABLE to a name that no other tool has" in caught.value.way_out
        assert applied.dump() == before

    @pytest.mark.parametrize(
        "command",
        [
            ("migrate",),
            ("migrate", "--dry-run"),
            ("alembic", "upgrade", "head"),
            ("alembic", "upgrade", "head", "--sql"),
        ],
        ids=" ".join,
    )
    def test_on_a_fresh_database_too_through_both_doors(
        self, workspace: Workspace, command: tuple[str, ...]
    ) -> None:
        workspace.add_tables("001")
        workspace.add("002", "DROP TABLE IF EXISTS schema_migrations;", slug="foreign")
        done = run(workspace, *command)
        assert done.returncode == 1
        assert "would drop the ledger" in done.stderr
        assert "sql/course/002_foreign.sql:5" in done.stderr
        assert "t_001" not in done.stdout
        assert workspace.tables() == []

    def test_the_files_of_all_databases_are_looked_at_before_the_first_runs(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001", environment="auth")
        workspace.add("001", "DROP TABLE schema_migrations;")
        done = workspace.run("migrate")
        assert done.returncode == 1
        assert "course: 001_step.sql would drop the ledger" in done.stderr
        assert workspace.tables("auth") == []

    @pytest.mark.parametrize(
        "command",
        [
            ("rollback", "--dry-run"),
            ("rollback", "--yes"),
            ("rollback", "--yes", "--steps", "2"),
            ("alembic", "downgrade", "-1"),
            ("alembic", "downgrade", "base"),
            ("alembic", "downgrade", "003:base", "--sql"),
        ],
        ids=" ".join,
    )
    def test_a_rollback_that_would_is_refused_before_its_first_step(
        self, applied: Workspace, command: tuple[str, ...]
    ) -> None:
        applied.add("003", "CREATE TABLE a ();", "DROP TABLE a;\nDROP TABLE alembic_version;")
        applied.upgrade()
        before = applied.dump()
        done = run(applied, *command)
        assert done.returncode == 1
        assert "003_step.sql would drop Alembic's table public.alembic_version" in done.stderr or (
            "--sql" in command and "would drop Alembic's table alembic_version" in done.stderr
        )
        assert "--use-file" in done.stderr
        assert applied.dump() == before

    def test_a_rollback_goes_by_the_file_once_that_is_right(self, applied: Workspace) -> None:
        path = applied.add(
            "003", "CREATE TABLE a ();", "DROP TABLE a;\nDROP TABLE alembic_version;"
        )
        applied.upgrade()
        path.write_text(path.read_text().replace("DROP TABLE alembic_version;", ""))
        done = run(applied, "rollback", "--yes", "--use-file")
        assert done.returncode == 0, done.stderr
        assert applied.versions() == ["001", "002"]

    @pytest.mark.parametrize(
        "statement",
        [
            "DROP TABLE IF EXISTS other.schema_migrations;",
            "SET search_path = other;\nDROP TABLE IF EXISTS schema_migrations;",
            "SET search_path = other, public;\nDROP TABLE IF EXISTS schema_migrations;",
            "CREATE TEMP TABLE alembic_version ();\nTRUNCATE alembic_version;\n"
            "DROP TABLE alembic_version;",
            "DROP TABLE IF EXISTS other.alembic_version;",
            "DROP SCHEMA other CASCADE;",
            "DELETE FROM schema_migrations WHERE version = '000';",
            "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS ticket text;",
        ],
    )
    def test_what_means_another_table_runs(self, applied: Workspace, statement: str) -> None:
        applied.query("CREATE SCHEMA other")
        applied.query("CREATE TABLE other.schema_migrations ()")
        applied.add("003", statement)
        applied.upgrade()
        assert applied.versions() == ["001", "002", "003"]

    def test_a_name_is_no_longer_a_temporary_tables_once_that_is_dropped(
        self, applied: Workspace
    ) -> None:
        applied.add(
            "003",
            "CREATE TEMPORARY TABLE alembic_version ();\nDROP TABLE alembic_version;\n"
            "DROP TABLE alembic_version;",
        )
        with pytest.raises(LedgerError, match="would drop Alembic's table") as caught:
            applied.upgrade()
        assert caught.value.where == "sql/course/003_step.sql:7"
        assert "write the schema before the name" in caught.value.way_out

    def test_a_schema_that_comes_first_and_has_no_such_table_is_noticed_afterwards(
        self, applied: Workspace
    ) -> None:
        applied.query("CREATE SCHEMA other")
        applied.add("003", "SET search_path = other, public;\nDROP TABLE schema_migrations;")
        before = applied.dump()
        with pytest.raises(LedgerError, match=r"003_step\.sql"):
            applied.upgrade()
        assert applied.dump() == before

    def test_a_name_without_a_schema_is_not_a_ledger_that_lies_off_the_search_path(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIGRATION_TABLE", "ops.schema_migrations")
        workspace.add_tables("001")
        workspace.query("CREATE TABLE schema_migrations ()")
        workspace.add("002", "DROP TABLE schema_migrations;")
        workspace.upgrade()
        assert workspace.query("SELECT count(*) FROM ops.schema_migrations") == [(2,)]
        workspace.add("003", "DROP TABLE ops.schema_migrations;")
        with pytest.raises(LedgerError, match=r"would drop the ledger ops\.schema_migrations"):
            workspace.upgrade()

    def test_a_stamp_runs_nothing_and_is_not_refused(self, workspace: Workspace) -> None:
        workspace.add("001", "DROP TABLE IF EXISTS schema_migrations;")
        assert workspace.alembic("-n", "course", "stamp", "001").returncode == 0
        assert workspace.versions() == ["001"]


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
        assert f"error:  course: 002_step.sql dropped or renamed {what}\n" in done.stderr
        assert f"state:  rolled back; course is at {'base' if first else '001'}" in done.stderr
        assert "take that out of the migration" in done.stderr
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
        assert caught.value.what == "course: 002_step.sql dropped or renamed the ledger ops.ledger"
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
            "error:  course: the ledger public.schema_migrations can't be written: 003_step.sql "
            "dropped or renamed it, or another session did" in done.stderr
        )
        assert "all of its statements have taken effect" in done.stderr
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
            "the event log can't be written: 001_step.sql dropped or renamed it, or another "
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
            "error:  course: Alembic's version is 002, and there is no ledger "
            "public.schema_migrations\ndetail: the two disagree" in done.stderr
        )
        assert "nothing to roll back" not in done.stdout

    def test_status_says_it_and_still_shows_the_other_database(self, gone: Workspace) -> None:
        gone.add_tables("001", environment="auth")
        done = gone.run("status")
        assert done.returncode == 1
        assert done.stdout.startswith("auth: empty, 0 applied, 1 pending\n")
        assert "course" not in done.stdout
        assert "course: Alembic's version is 002, and there is no ledger" in done.stderr
        assert "alembic -n course stamp --purge 002" in done.stderr

    def test_status_shows_the_table_of_a_ledger_that_merely_differs(
        self, applied: Workspace
    ) -> None:
        applied.query("DELETE FROM schema_migrations WHERE version = '002'")
        done = run(applied, "status")
        assert done.returncode == 1
        assert done.stdout.startswith("course: at 001, 1 applied, 1 pending\n")
        assert "course: the ledger and Alembic's version disagree" in done.stderr

    def test_json_carries_it(self, gone: Workspace) -> None:
        done = gone.run("status", "--json")
        auth, course = json.loads(done.stdout)["databases"]
        assert done.returncode == 1
        assert auth["error"] is None
        assert course["alembic_version"] == ["002"]
        assert course["error"]["error"].startswith("course: Alembic's version is 002, and there is")
        assert course["error"]["help"].startswith("`alembic -n course stamp --purge 002`")
