"""What a command imports where there is nothing to do: a deployment runs it each time."""

from __future__ import annotations

import sys

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
SHOW = """
import runpy, sys
sys.argv = [{script!r}, "--database", "course"]
try:
    runpy.run_path({script!r}, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print("\\n".join(sorted(sys.modules)))
"""
OURS = {
    "console": {"arguments", "entry", "report", "table"},
    "engine": {
        "boundary",
        "ci",
        "disclosure",
        "mistyped",
        "observer",
        "reported",
        "settings",
        "status",
    },
    "engine.ledger": {
        "alembic_version",
        "event_table",
        "lookup",
        "ownership",
        "server",
        "table",
        "unfinished",
    },
    "engine.operations": {"overview"},
    "engine.safeguards": {"agreement", "sharing"},
    "engine.session": {
        "address",
        "database",
        "session_settings",
        "signals",
        "waiting",
    },
    "errors": {"base", "database", "files"},
    "files": {"checksum", "history", "names", "project"},
    "sqltext": {"duration"},
}
"""What a run needs to find out that there is nothing to do: no SQL is read, nothing is run."""
MIGRATE = {"scripts.console.observers", "scripts.engine.operations.upgrade"}
STATUS = {
    "scripts.console.layout",
    "scripts.console.status_page",
    "scripts.engine.ledger.activity",
    "scripts.engine.session.lock",
}
"""What it takes beside that to say what goes on."""
HEAVY = {
    "alembic",
    "asyncio",
    "concurrent",
    "difflib",
    "dotenv",
    "logging",
    "postgast",
    "sqlalchemy",
    "subprocess",
    "tempfile",
    "uuid",
}


def imported(workspace: Workspace, script: str) -> set[str]:
    workspace.add_tables("001")
    workspace.upgrade()
    done = workspace.execute(sys.executable, "-c", SHOW.format(script=f"scripts/{script}.py"))
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("migrate", {"scripts.engine.operations.upgrade", "scripts.console.observers"}),
        ("status", STATUS),
    ],
)
def test_little_is_imported_where_there_is_nothing_to_do(
    workspace: Workspace, script: str, more: set[str]
) -> None:
    found = imported(workspace, script)
    allowed = {f"scripts.{folder}.{name}" for folder, names in OURS.items() for name in names}
    packages = {"scripts", "scripts.console", "scripts.errors", "scripts.files", "scripts.sqltext"}
    packages |= {f"scripts.{folder}" for folder in OURS} | {"scripts.engine"}
    assert {name for name in found if name.startswith("scripts")} <= allowed | packages | more
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_a_check_of_the_files_imports_nothing_that_asks_a_server(workspace: Workspace) -> None:
    found = imported(workspace, "validate")
    levels = ("scripts.catalog", "scripts.checks.live", "scripts.checks.shadow", "scripts.embedded")
    assert [name for name in found if name.startswith(levels)] == []


def test_a_run_does_without_dataclasses(workspace: Workspace) -> None:
    workspace.add_tables("001")
    done = workspace.execute(sys.executable, "-c", SHOW.format(script="scripts/migrate.py"))
    found = set(done.stdout.split())
    assert "scripts.engine.run.drive" in found, done.stderr
    assert "dataclasses" not in found
