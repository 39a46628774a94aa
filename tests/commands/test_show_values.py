"""Values of rows are shown where somebody at a terminal asks for them, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from scripts.errors import MigrationError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
MIGRATE = ("scripts/migrate.py", "--database", "course")
ALEMBIC = ("-m", "alembic", "-n", "course")
UPGRADE = ("upgrade", "head")
SAID = "detail: Key (v)=(abc) is duplicated."
TWICE = "CREATE TABLE twice AS SELECT 'abc' AS v FROM generate_series(1, 2);"


def at_a_terminal(workspace: Workspace, *command: str) -> str:
    """Run a command whose standard error is a terminal, and return what that shows."""
    own, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=workspace.root,
        env=workspace.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=its,
    ) as process:
        os.close(its)
        shown = b""
        try:
            while read := os.read(own, 4096):
                shown += read
        except OSError:
            pass  # Linux ends a terminal that nobody has open on the other side with EIO
    os.close(own)
    assert process.returncode
    return shown.decode()


@pytest.fixture
def refused(workspace: Workspace) -> Workspace:
    """A project whose next migration meets a row's value."""
    workspace.add("001", TWICE)
    workspace.upgrade()
    workspace.add("002", "CREATE UNIQUE INDEX once ON twice (v);")
    return workspace


@pytest.mark.parametrize(
    "command",
    [(*MIGRATE, "--show-values"), (*ALEMBIC, "-x", "show_values=true", *UPGRADE)],
    ids=["migrate", "alembic"],
)
def test_a_terminal_that_asks_sees_the_row_and_the_event_log_does_not(
    refused: Workspace, command: tuple[str, ...]
) -> None:
    assert SAID in at_a_terminal(refused, *command)
    [(kept,)] = refused.query("SELECT error FROM schema_migrations_events WHERE event = 'failure'")
    assert "23505" in kept
    assert "abc" not in kept


def test_a_terminal_that_does_not_ask_sees_columns_and_a_query(refused: Workspace) -> None:
    shown = at_a_terminal(refused, *MIGRATE)
    assert "abc" not in shown
    assert "columns: v" in shown
    assert "values are hidden; to see them on a terminal, add --show-values" in shown
    # What is too long for the terminal goes on in the next line, and is copied with it.
    query = shown.partition("to find the rows: ")[2].partition("\r\n        statement:")[0]
    assert refused.query(query) == [("abc",), ("abc",)]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ((*MIGRATE, "--show-values"), "standard error is not a terminal"),
        ((*MIGRATE, "--show-values", "--json"), "--json was asked for"),
        (("scripts/rollback.py", "--yes", "--show-values"), "standard error is not a terminal"),
        ((*ALEMBIC, "-x", "show_values=true", *UPGRADE), "standard error is not a terminal"),
        ((*ALEMBIC, "-x", "show_values=1", *UPGRADE), "needs true or false"),
    ],
)
def test_it_is_refused_before_anything_runs_where_it_would_be_kept(
    workspace: Workspace, command: tuple[str, ...], reason: str
) -> None:
    workspace.add_tables("001")
    done = workspace.execute(sys.executable, *command)
    assert done.returncode == 2
    assert reason in done.stderr
    assert workspace.tables() == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('ALTER TABLE "T" ADD CHECK ("V" <> \'bad\')', [("bad", 1)]),
        (
            'ALTER TABLE "T" ADD CHECK (length("V") > 0), ADD CONSTRAINT k CHECK ("N" < 3)',
            [("x", 3)],
        ),
        ('ALTER TABLE "T" ALTER "N" SET NOT NULL', [("none", None)]),
        ('ALTER TABLE "T" ADD FOREIGN KEY ("N") REFERENCES "P" ("Id")', [("x", 3)]),
        ('ALTER TABLE "T" ADD UNIQUE ("W", "N")', None),
    ],
)
def test_the_query_of_an_error_finds_the_rows(
    workspace: Workspace, statement: str, found: list[tuple[object, ...]] | None
) -> None:
    workspace.add(
        "001",
        'CREATE TABLE "P" ("Id" int PRIMARY KEY); INSERT INTO "P" VALUES (1);\n'
        'CREATE TABLE "T" ("V" text, "N" int);\n'
        "INSERT INTO \"T\" VALUES ('bad', 1), ('x', 3), ('none', NULL);",
    )
    workspace.upgrade()
    workspace.add("002", f"{statement};")
    with pytest.raises(MigrationError) as failed:
        workspace.upgrade()
    text = failed.value.detail
    if found is None:
        assert "to find the rows" not in text
        return
    query = text.partition("to find the rows: ")[2].partition("\n")[0]
    assert workspace.query(query) == found
