"""What a test of both doors begins with: migrations, and how far they are applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support import inside
from tests.support.workspace import Workspace

Given = Callable[[Workspace], object]
THREE = ("001", "002", "003")


def prepare(workspace: Workspace, *command: str) -> None:
    """Run a command of a door in this process; it has to succeed."""
    done = inside.run(workspace, *command)
    assert done.returncode == 0, done


def tables(*versions: str, up_to: str = "") -> Given:
    """Return what writes a migration for each version and applies those up to one."""

    def given(workspace: Workspace) -> None:
        workspace.add_tables(*versions)
        if up_to:
            prepare(workspace, "alembic", "upgrade", up_to)

    return given


def without(*gone: str, more: str = "") -> Given:
    """Return what applies three migrations, removes files of some, and adds one that is pending."""

    def given(workspace: Workspace) -> None:
        tables(*THREE, up_to="head")(workspace)
        for version in gone:
            workspace.remove(version)
        if more:
            workspace.add_tables(more)

    return given


def outside(workspace: Workspace) -> None:
    """Write a migration that runs outside a transaction."""
    workspace.add_tables("001")
    workspace.add(
        "002",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t_001 (id);\nANALYZE t_001;",
        "-- DROP INDEX CONCURRENTLY IF EXISTS i;",
        header="-- Transaction: none\n",
    )


def outside_applied(workspace: Workspace) -> None:
    outside(workspace)
    prepare(workspace, "alembic", "upgrade", "head")


def back_at_base(workspace: Workspace) -> None:
    tables(*THREE, up_to="head")(workspace)
    prepare(workspace, "alembic", "downgrade", "base")


def empty_down(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);")
    prepare(workspace, "alembic", "upgrade", "head")


def existing(workspace: Workspace) -> None:
    """Apply a migration whose table was there before it."""
    workspace.query("CREATE TABLE t_001 (id int PRIMARY KEY)")
    tables("001", up_to="head")(workspace)


def irreversible(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);", header="-- Irreversible: rows are merged\n")
    prepare(workspace, "alembic", "upgrade", "head")


def changed(workspace: Workspace) -> None:
    tables(*THREE, up_to="002")(workspace)
    [path] = (workspace.root / "sql/course").glob("002_*")
    path.write_text(path.read_text().replace("int PRIMARY KEY", "bigint PRIMARY KEY"))


def odd_revision(workspace: Workspace) -> None:
    tables(*THREE, up_to="001")(workspace)
    [path] = (workspace.root / "course/versions").glob("003_*")
    _append(path, '\nprint("more than the template")\n')


def gap(workspace: Workspace) -> None:
    """Apply 001 and 003, and have 002 come later, with a chain that is whole."""
    workspace.add_tables("001", "003")
    prepare(workspace, "alembic", "upgrade", "head")
    workspace.remove("003")
    workspace.add_tables("002", "003")


def disagreeing(workspace: Workspace) -> None:
    tables(*THREE, up_to="002")(workspace)
    workspace.query("UPDATE alembic_version SET version_num = '001'")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)
