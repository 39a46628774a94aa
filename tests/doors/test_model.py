"""Random commands through random doors, held against a model after each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.embedded.server import Server
from tests.support import inside
from tests.support.databases import new_database
from tests.support.model import Model, is_outside, name
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
EXAMPLES, STEPS = 60, 12
FOUND = """
SELECT array(SELECT version FROM schema_migrations ORDER BY 1),
       array(SELECT version_num::text FROM alembic_version),
       array(SELECT event || ' ' || version || ' ' || direction FROM schema_migrations_events
              WHERE event IN ('success', 'rollback') ORDER BY id)
"""
Step = tuple[str, str, int]
"""What is done, through which door, and how far."""


class Doors:
    """A project and its database, changed by commands, beside the model."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.model = Model()

    def do(self, what: str, door: str, far: int) -> None:
        """Change the files, or run a command where there is nothing of that to change."""
        model = self.model
        is_whole = model.files == model.written
        if what == "add" and is_whole:
            self.add()
        elif what == "add one that fails" and is_whole and not model.broken:
            model.broken = model.written + 1
            self.add()
        elif what == "mend" and 0 < model.broken <= model.files:
            [path] = (self.workspace.root / "sql/course").glob(f"{name(model.broken)}_*")
            path.write_text(path.read_text().replace("1/0", "1/1"))
            model.broken = 0
        elif what == "delete" and model.files:
            self.workspace.remove(name(model.files))
            model.files -= 1
        elif what == "restore" and not is_whole:
            model.files += 1
            self.write(model.files)
        else:
            self.run(what, door, far)

    def add(self) -> None:
        self.model.written += 1
        self.model.files += 1
        self.write(self.model.files)

    def write(self, number: int) -> None:
        """Write a migration, which fails after its first statement where the model says so."""
        version = name(number)
        quotient = f"1/{int(number != self.model.broken)}"
        self.workspace.add(
            version,
            f"CREATE TABLE IF NOT EXISTS t_{version} ();\nSELECT {quotient};",
            f"DROP TABLE IF EXISTS t_{version};",
            header="-- Transaction: none\n" if is_outside(number) else "",
        )

    def run(self, what: str, door: str, far: int) -> None:
        """Run a command, and compare what it leaves with the model."""
        before = str(self.model)
        alembic, scripts, code = self.command(what, door, far)
        command = f"alembic {alembic}" if door == "alembic" else scripts
        done = inside.run(self.workspace, *command.split())
        where = f"{command}, with {before}"
        assert done.returncode == code, f"{where}: {done}"
        wanted = self.model.versions, self.model.versions[-1:], self.model.log
        assert self.found() == wanted, where
        assert self.workspace.tables() == self.model.tables, where

    def command(self, what: str, door: str, far: int) -> tuple[str, str, int]:
        """Return a command in the words of each door, and its exit code."""
        model = self.model
        count, target = abs(far) or 1, model.applied + far
        match what:
            case "up to":
                up = max(target, 1)
                return f"upgrade {name(up)}", f"migrate --to {up}", model.up_to(up, door)
            case "up by":
                to = f"migrate --to {model.applied + count}"
                return f"upgrade +{count}", to, model.up_by(count)
            case "down partial" if model.half or not far:
                half, at = model.half or model.applied + 1, model.versions[-1:] or ["base"]
                partial = f"-x partial={half} downgrade {at[0]}"
                return partial, "rollback --yes --partial", model.down_partial()
            case "down by" | "down partial":
                steps = f"rollback --yes --steps {count}"
                return f"downgrade -{count}", steps, model.down_by(count, door)
            case "down to" | "down to base":
                down = max(target, 0) if what == "down to" else 0
                to = name(down) if down else "base"
                return f"downgrade {to}", f"rollback --yes --to {to}", model.down_to(down, door)
            case _:
                return "upgrade head", "migrate", model.up_to_head(door)

    def found(self) -> tuple[list[str], list[str], list[str]]:
        try:
            [(ledger, alembic, log)] = self.workspace.query(FOUND)
        except psycopg2.errors.UndefinedTable:  # before the first run
            return [], [], []
        return ledger, alembic, log


FILES = ["add", "add one that fails", "add one that fails", "mend", "delete", "restore"]
COMMANDS = ["up to head", "up to", "up by", "down by", "down to", "down to base", "down partial"]
BEGIN = st.sampled_from([2, 3, 4, 1, 0])
STEP = st.sampled_from(
    list(itertools.product(FILES + COMMANDS, ["alembic", "scripts"], [-3, -2, -1, 0, 1, 2, 3]))
)


def test_whatever_is_run_through_whichever_door_leaves_what_the_model_says(
    tmp_path: Path, postgres: Server, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("MIGRATION_TABLE", "MIGRATION_FALLBACK", "AUTH_DB_URL"):
        monkeypatch.delenv(setting, raising=False)
    numbers = itertools.count(1)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
    @given(begin=BEGIN, steps=st.lists(STEP, min_size=8, max_size=STEPS))
    def play(begin: int, steps: Sequence[Step]) -> None:
        number = next(numbers)
        with new_database(postgres, f"model_{worker_id}_{number}") as url:
            made = Workspace.make(tmp_path / str(number), {"course": url}, postgres.bin)
            doors = Doors(made)
            for _ in range(begin):
                doors.add()
            for step in steps:
                doors.do(*step)

    play()
