"""Both doors of the tool: `python scripts/*.py` and Alembic's own command line."""

from __future__ import annotations

from subprocess import CompletedProcess

from tests.support.workspace import Workspace


def run(workspace: Workspace, *command: str) -> CompletedProcess[str]:
    """Run a command of either door."""
    script, *options = command
    if script == "alembic":
        return workspace.alembic("-n", "course", *options)
    return workspace.run(script, "--database", "course", *options)
