"""`--sql`: the script that psql runs leaves what an online run leaves."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database

# Times differ between two runs, and so does what follows from them.
_TIMES = "UPDATE {} SET applied_at = '2000-01-01', duration_ms = 0"


def _run_psql(
    workspace: Workspace, script: str, environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [workspace.bin / "psql", "-X", "-q", "--dbname", workspace.urls[environment]],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )


def _psql(workspace: Workspace, script: str) -> None:
    done = _run_psql(workspace, script, "auth")
    assert (done.returncode, done.stderr) == (0, "")


def _script(workspace: Workspace, *arguments: str) -> str:
    done = workspace.alembic("-n", "course", *arguments, "--sql")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _dumps(workspace: Workspace, table: str = "schema_migrations") -> tuple[str, str]:
    for environment in ("auth", "course"):
        workspace.query(_TIMES.format(table), environment)
    return workspace.dump("auth", "--inserts"), workspace.dump("course", "--inserts")


def _add_nasty(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add(
        "002",
        "CREATE TABLE a (t text);\n"
        "INSERT INTO a VALUES ('100% :name %s $1 \\ it''s ä\ttab'), ($x$; -- DOWN $x$)\n"
        "-- no semicolon at the end",
        "DROP TABLE a; -- 100% it's :x \\n",
        slug="nasty",
    )
    workspace.add(
        "003",
        "CREATE INDEX CONCURRENTLY a_t ON a (t);",
        "DROP INDEX CONCURRENTLY a_t;",
        header="-- Transaction: none\n-- Lock-Timeout: 3s\n",
    )


def test_from_base_it_leaves_the_same_schema_data_and_ledger(workspace: Workspace) -> None:
    _add_nasty(workspace)
    _psql(workspace, _script(workspace, "upgrade", "head"))
    workspace.upgrade()
    scripted, online = _dumps(workspace)
    assert scripted == online


def test_a_range_goes_on_from_the_version_that_it_begins_with(workspace: Workspace) -> None:
    _add_nasty(workspace)
    _psql(workspace, _script(workspace, "upgrade", "001"))
    _psql(workspace, _script(workspace, "upgrade", "001:003"))
    workspace.upgrade()
    scripted, online = _dumps(workspace)
    assert scripted == online


def test_a_downgrade_takes_rows_and_version_back(workspace: Workspace) -> None:
    _add_nasty(workspace)
    _psql(workspace, _script(workspace, "upgrade", "head"))
    _psql(workspace, _script(workspace, "downgrade", "003:001"))
    workspace.upgrade("001")
    scripted, online = _dumps(workspace)
    assert scripted == online


def test_a_stamp_writes_version_and_ledger(workspace: Workspace) -> None:
    _add_nasty(workspace)
    _psql(workspace, _script(workspace, "stamp", "002"))
    assert workspace.alembic("-n", "course", "stamp", "002").returncode == 0
    scripted, online = _dumps(workspace)
    assert scripted == online


def test_a_ledger_in_another_schema_is_made_with_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", '"my ops".ledger')
    _add_nasty(workspace)
    _psql(workspace, _script(workspace, "upgrade", "head"))
    workspace.upgrade()
    scripted, online = _dumps(workspace, '"my ops".ledger')
    assert scripted == online


def test_psql_stops_at_the_first_error_of_the_script(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "SELECT 1/0;")
    workspace.add_tables("003")
    script = _script(workspace, "upgrade", "head")
    done = _run_psql(workspace, script, "course")
    assert done.returncode != 0
    assert "division by zero" in done.stderr
    assert workspace.tables() == ["t_001"]
    assert workspace.versions() == workspace.alembic_version() == ["001"]


def test_no_database_is_needed(workspace: Workspace) -> None:
    workspace.add_tables("001")
    done = workspace.alembic(
        "-n", "course", "upgrade", "head", "--sql", environment={"COURSE_DB_URL": ""}
    )
    assert done.returncode == 0
    assert "CREATE TABLE IF NOT EXISTS t_001 (id int PRIMARY KEY);" in done.stdout


def test_an_irreversible_migration_is_refused(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;", header="-- Irreversible: sent to customers\n")
    done = workspace.alembic("-n", "course", "downgrade", "001:base", "--sql")
    assert done.returncode == 1
    assert "001 is declared irreversible: sent to customers" in done.stderr


def test_the_role_goes_with_each_transaction(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_ROLE", "migrator")
    workspace.add_tables("001")
    workspace.add("002", "VACUUM t_001;", header="-- Transaction: none\n")
    done = workspace.alembic("-n", "course", "upgrade", "head", "--sql")
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    roles = [line for line in lines if "ROLE" in line]
    begun = lines.count("BEGIN;")
    assert roles.count('SET LOCAL ROLE "migrator";') == begun
    assert [line for line in roles if "LOCAL" not in line] == [
        'SET ROLE "migrator";',
        "RESET ROLE;",
    ]
