"""Migrations whose text would drop, rename or empty the ledger, its event log, Alembic's table."""

from __future__ import annotations

import pytest

from scripts.errors import LedgerError
from tests.support.doors import run
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


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
                "drop the schema public, which contains the ledger",
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
        assert caught.value.what == f"004_step.sql would {said}"
        line = 6 + statement.count("\n")
        assert caught.value.where == f"sql/course/004_step.sql:{line}"
        assert caught.value.state == "nothing was changed"
        assert "set MIGRATION_TABLE to a name that no other tool uses" in caught.value.hint
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
        assert "001_step.sql would drop the ledger" in done.stderr
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
        assert "write the schema before the name" in caught.value.hint

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
