"""A pending file whose commented-out DOWN is prose stops a run before anything has changed."""

from __future__ import annotations

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
REASON = "the whole DOWN is commented out, so each line is read as SQL"
DOORS = {
    "script": ("run", "migrate", "--database", "course"),
    "dry-run": ("run", "migrate", "--database", "course", "--dry-run"),
    "alembic": ("alembic", "-n", "course", "upgrade", "head"),
    "sql": ("alembic", "-n", "course", "upgrade", "head", "--sql"),
}


@pytest.fixture
def prose(workspace: Workspace) -> Workspace:
    workspace.add_tables("001")
    workspace.add("002", "ALTER TABLE t_001 ADD COLUMN c text;", "-- Drop the column again")
    return workspace


@pytest.mark.parametrize("door", DOORS)
def test_every_door_names_the_line_before_anything_runs(prose: Workspace, door: str) -> None:
    method, *arguments = DOORS[door]
    done = getattr(prose, method)(*arguments)
    assert done.returncode == 1
    assert f"error:  {REASON}, but this is not SQL: Drop the column again" in done.stderr
    assert "at:     course: sql/course/002_step.sql:8" in done.stderr
    assert "help:   start prose with `-- --`" in done.stderr
    assert "CREATE TABLE" not in done.stdout
    assert prose.tables() == []


def test_the_second_database_stops_the_first(prose: Workspace) -> None:
    prose.add_tables("001", environment="auth")
    assert prose.run("migrate").returncode == 1
    assert prose.tables("auth") == []


def test_a_file_that_is_applied_already_stops_nothing(workspace: Workspace) -> None:
    path = workspace.add("001", "CREATE TABLE t_001 (id int);", "-- -- Restore a backup")
    workspace.upgrade()
    text = path.read_text().replace("-- -- Restore", "-- Restore")
    path.write_text(text)
    workspace.query("DELETE FROM schema_migrations")
    stamped = workspace.alembic("-n", "course", "stamp", "head")
    assert stamped.returncode == 0, stamped.stderr
    workspace.add_tables("002")
    for door in ("script", "alembic"):
        method, *arguments = DOORS[door]
        done = getattr(workspace, method)(*arguments)
        assert done.returncode == 0, done.stderr
    assert workspace.versions() == ["001", "002"]
    assert workspace.run("status").returncode == 0
