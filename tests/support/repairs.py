"""What tests of repair.py share."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.workspace import Workspace

COURSE = ("--database", "course")


def behaves_as_migrated(workspace: Workspace) -> None:
    migrated = workspace.run("migrate", *COURSE)
    assert migrated.returncode == 0, migrated.stderr
    live = workspace.run("validate", "--live", *COURSE)
    assert live.returncode == 0, live.stdout
    assert workspace.run("repair", *COURSE).stdout == "course: nothing to put right\n"
    back = workspace.run("rollback", *COURSE, "--to", "base", "--yes")
    assert back.returncode == 0, back.stderr
    assert workspace.tables() == []
    again = workspace.alembic("-n", "course", "upgrade", "head")
    assert again.returncode == 0, again.stderr


def git(workspace: Workspace, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, cwd=workspace.root, check=True, capture_output=True)


def release(workspace: Workspace) -> Workspace:
    """Write two migrations, commit them and apply them."""
    for version in ("001", "002"):
        up = f"CREATE TABLE IF NOT EXISTS t_{version} (id int PRIMARY KEY);\nSELECT 1;"
        workspace.add(version, up, f"-- DROP TABLE IF EXISTS t_{version};")
    git(workspace, "init", "-q")
    git(workspace, "add", "sql", "course")
    git(workspace, "commit", "-qm", "released")
    workspace.upgrade()
    return workspace


def change(workspace: Workspace, before: str, after: str, version: str = "002") -> Path:
    [path] = (workspace.root / "sql" / "course").glob(f"{version}_*")
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    return path


def events(workspace: Workspace) -> list[tuple[object, ...]]:
    return workspace.query(
        "SELECT version, error, rollback_sql FROM schema_migrations_events"
        " WHERE event = 'repair' ORDER BY id"
    )


def rename(workspace: Workspace, before: str, after: str) -> None:
    """Rename both files of a migration as `RENUMBERING` says."""
    sql, versions = workspace.root / "sql" / "course", workspace.root / "course" / "versions"
    text = (sql / f"{before}.sql").read_text().replace(f"{before}.sql", f"{after}.sql")
    (sql / f"{before}.sql").unlink()
    (sql / f"{after}.sql").write_text(text)
    revision = (versions / f"{before}.py").read_text()
    (versions / f"{before}.py").unlink()
    old, new = before[:3], after[:3]
    (versions / f"{after}.py").write_text(
        revision.replace(f'revision = "{old}"', f'revision = "{new}"')
    )
