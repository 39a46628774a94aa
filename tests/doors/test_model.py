"""Random commands through random doors, held against a model after each."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from scripts.embedded.server import Server
from tests.support import inside
from tests.support.databases import new_database
from tests.support.model import Model, is_outside, name
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
EXAMPLES, STEPS = 40, 12
DOOR = st.sampled_from(["alembic", "scripts"])
COUNT = st.integers(1, 3)
FOUND = """
SELECT array(SELECT version FROM schema_migrations ORDER BY 1),
       array(SELECT version_num::text FROM alembic_version),
       array(SELECT event || ' ' || version || ' ' || direction FROM schema_migrations_events
              WHERE event IN ('success', 'rollback') ORDER BY id)
"""


class Doors(RuleBasedStateMachine):
    """A project and its database, changed by commands, beside the model."""

    root: Path
    postgres: Server
    worker: str
    numbers = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.stack = ExitStack()
        number = next(self.numbers)
        database = new_database(self.postgres, f"model_{self.worker}_{number}")
        url = self.stack.enter_context(database)
        root = self.root / str(number)
        self.workspace = Workspace.make(root, {"course": url}, self.postgres.bin)

    def teardown(self) -> None:
        self.stack.close()

    # Files --------------------------------------------------------------------------------------

    @initialize(count=st.integers(0, 4))
    def begin(self, count: int) -> None:
        for _ in range(count):
            self.add()

    @precondition(lambda self: self.model.files == self.model.written)
    @rule()
    def add(self) -> None:
        self.model.written += 1
        self.model.files += 1
        self.write(self.model.files)

    @precondition(lambda self: self.model.files == self.model.written and not self.model.broken)
    @rule()
    def add_one_that_fails(self) -> None:
        self.model.broken = self.model.written + 1
        self.add()

    @precondition(lambda self: 0 < self.model.broken <= self.model.files)
    @rule()
    def mend_it(self) -> None:
        [path] = (self.workspace.root / "sql/course").glob(f"{name(self.model.broken)}_*")
        path.write_text(path.read_text().replace("1/0", "1/1"))
        self.model.broken = 0

    @precondition(lambda self: self.model.files)
    @rule()
    def delete_the_newest(self) -> None:
        self.workspace.remove(name(self.model.files))
        self.model.files -= 1

    @precondition(lambda self: self.model.files < self.model.written)
    @rule()
    def restore_it(self) -> None:
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

    # Commands -----------------------------------------------------------------------------------

    @rule(door=DOOR)
    def up_to_head(self, door: str) -> None:
        self.check(door, "upgrade head", "migrate", self.model.up_to_head(door))

    @rule(door=DOOR, number=st.integers(1, 6))
    def up_to(self, door: str, number: int) -> None:
        code = self.model.up_to(number, door)
        self.check(door, f"upgrade {name(number)}", f"migrate --to {number}", code)

    @rule(door=DOOR, count=COUNT)
    def up_by(self, door: str, count: int) -> None:
        to = self.model.applied + count
        self.check(door, f"upgrade +{count}", f"migrate --to {to}", self.model.up_by(count))

    @rule(door=DOOR, count=COUNT)
    def down_by(self, door: str, count: int) -> None:
        code = self.model.down_by(count, door)
        self.check(door, f"downgrade -{count}", f"rollback --yes --steps {count}", code)

    @rule(door=DOOR, number=st.integers(1, 6))
    def down_to(self, door: str, number: int) -> None:
        code = self.model.down_to(number, door)
        self.check(door, f"downgrade {name(number)}", f"rollback --yes --to {number}", code)

    @rule(door=DOOR)
    def down_to_base(self, door: str) -> None:
        self.check(door, "downgrade base", "rollback --yes --to base", self.model.down_to(0, door))

    @rule(door=DOOR)
    def down_partial(self, door: str) -> None:
        half, at = self.model.half or self.model.applied + 1, self.model.versions[-1:] or ["base"]
        alembic = f"-x partial={half} downgrade {at[0]}"
        self.check(door, alembic, "rollback --yes --partial", self.model.down_partial())

    def check(self, door: str, alembic: str, scripts: str, code: int) -> None:
        """Run a command through a door, and compare what it leaves with the model."""
        command = f"alembic {alembic}" if door == "alembic" else scripts
        done = inside.run(self.workspace, *command.split())
        assert done.returncode == code, done
        assert self.found() == (self.model.versions, self.model.versions[-1:], self.model.log)
        assert self.workspace.tables() == self.model.tables

    def found(self) -> tuple[list[str], list[str], list[str]]:
        try:
            [(ledger, alembic, log)] = self.workspace.query(FOUND)
        except psycopg2.errors.UndefinedTable:  # before the first run
            return [], [], []
        return ledger, alembic, log


def test_whatever_is_run_through_whichever_door_leaves_what_the_model_says(
    tmp_path: Path, postgres: Server, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("MIGRATION_TABLE", "MIGRATION_FALLBACK", "AUTH_DB_URL"):
        monkeypatch.delenv(setting, raising=False)

    class Here(Doors):
        pass

    Here.root, Here.postgres, Here.worker = tmp_path, postgres, worker_id
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, derandomize=True, deadline=None
        ),
    )
