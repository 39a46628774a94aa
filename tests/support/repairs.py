"""What tests of repair.py share."""

from __future__ import annotations

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
