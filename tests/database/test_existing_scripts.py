"""What was there before, in scripts made with `--sql`: kept and refused by psql as well."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HEADERS = pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["in", "outside"])


class TestScripts:
    """`--sql`: the same, run by psql."""

    def run(self, workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Write a script and have psql run it."""
        made = workspace.alembic("-n", "course", *arguments, "--sql")
        assert made.returncode == 0, made.stderr
        return subprocess.run(
            [Path(workspace.bin) / "psql", "-X", "-q", workspace.urls["course"]],
            input=made.stdout,
            capture_output=True,
            text=True,
            check=False,
        )

    @HEADERS
    def test_a_script_keeps_what_was_there_and_refuses_to_drop_it(
        self, workspace: Workspace, header: str
    ) -> None:
        workspace.query("CREATE TABLE a (id int)")
        for name in ("a", "b"):
            workspace.add(
                "001" if name == "a" else "002",
                f"CREATE TABLE IF NOT EXISTS {name} (id int);",
                f"DROP TABLE {name};",
                header=header,
            )
        up = self.run(workspace, "upgrade", "base:head")
        assert up.returncode == 0, up.stderr
        assert (workspace.existed_before("001"), workspace.existed_before("002")) == (
            ["table a"],
            [],
        )
        down = self.run(workspace, "downgrade", "002:base")
        assert down.returncode == 3
        assert "rolling back 001 would drop objects that existed before it" in down.stderr
        assert workspace.tables() == ["a"]
        assert workspace.versions() == ["001"]
        wanted = self.run(workspace, "-x", "drop_existing=001", "downgrade", "001:base")
        assert wanted.returncode == 0, wanted.stderr
        assert workspace.tables() == []

    def test_settings_that_a_file_resets_lose_nothing(self, workspace: Workspace) -> None:
        workspace.query("CREATE TABLE a (id int)")
        workspace.add("001", "SET work_mem = '8MB'; RESET ALL; DISCARD TEMP;", "DROP TABLE a;")
        done = self.run(workspace, "upgrade", "base:001")
        assert done.returncode == 0, done.stderr
        assert workspace.existed_before() == ["table a"]

    def test_a_script_adds_the_column_that_an_older_ledger_lacks(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001", "002")
        workspace.upgrade("001")
        workspace.query("ALTER TABLE schema_migrations DROP COLUMN existed_before")
        done = self.run(workspace, "upgrade", "001:002")
        assert (done.returncode, done.stderr) == (0, "")
        assert workspace.existed_before("002") == []

    def test_the_role_that_owns_the_ledger_adds_it(
        self, workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [(name,)] = workspace.query("SELECT current_database()")
        with closing(psycopg2.connect(postgres.url(name))) as admin:
            admin.autocommit = True
            admin.cursor().execute(
                "DO $$ BEGIN CREATE ROLE script_owner; EXCEPTION WHEN duplicate_object THEN END $$;"
                f"GRANT script_owner TO migrator; GRANT CREATE ON DATABASE {name} TO script_owner;"
                "GRANT ALL ON SCHEMA public TO script_owner"
            )
        monkeypatch.setenv("MIGRATION_ROLE", "script_owner")
        workspace.add_tables("001", "002")
        workspace.upgrade("001")
        workspace.query("SET ROLE script_owner; ALTER TABLE schema_migrations DROP existed_before")
        done = self.run(workspace, "upgrade", "001:002")
        assert (done.returncode, done.stderr) == (0, "")
        assert workspace.existed_before("002") == []
