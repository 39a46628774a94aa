"""The steps of a run: read ahead of the first one, taken in order, held to files and ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from scripts.engine.alembic_commands import stamp
from scripts.engine.ledger import events
from scripts.engine.ledger.table import fingerprint
from scripts.engine.reported import Direction
from scripts.engine.run import plan as module
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.plan import Move, Plan
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import FormatError, HistoryError, LedgerError, UsageError
from scripts.files.project import Environment
from tests.support.states import state, write
from tests.support.texts import migration

DOWN = "SELECT 1;"
"""What the ledger keeps: the files say the same."""
OUTSIDE = "-- Transaction: none"


def revisions(environment: Environment) -> ScriptDirectory:
    return ScriptDirectory(str(environment.folder))


def up(found: Status, target: str = "head") -> list[Move]:
    return Command(Kind.UPGRADE, target).moves(found)


def down(found: Status, target: str) -> list[Move]:
    return Command(Kind.DOWNGRADE, target).moves(found)


@dataclass
class Protected:
    """Keeps the versions of the rollbacks that it is asked about, and refuses none."""

    versions: list[list[str]] = field(default_factory=list)

    def check(self, steps: Sequence[Step]) -> frozenset[str]:
        self.versions.append([one.version for one in steps])
        return frozenset()

    def announce(self, steps: Sequence[Step]) -> None:
        """Say nothing."""


class Stored:
    """A ledger that stores one text for all versions."""

    def __init__(self, text: str = DOWN) -> None:
        self._text = text

    def texts(self, versions: Sequence[str]) -> dict[str, str | None]:
        return dict.fromkeys(versions, self._text)

    def fingerprints(self, versions: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(versions, fingerprint(self._text))


def plan(found: Status, guards: Protected | None = None, **options: Any) -> Plan:
    """Return the plan of a run whose rollbacks the ledger keeps, with what it protects."""
    return Plan(found, Stored(), guards, **options)


def read(made: Plan, moves: list[Move]) -> list[tuple[str | None, str | None]]:
    """Have the steps read; return them, taken one after the other."""
    made.read(moves)
    taken = []
    while not made.is_done:
        taken.append((made.step.version, made.step.direction))
        made.done()
    return taken


class TestReading:
    """All steps are read before the first one runs."""

    def test_up_in_the_order_of_the_files(self, three: Environment) -> None:
        found = state(three, "001")
        assert read(plan(found), up(found)) == [("002", "up"), ("003", "up")]

    def test_down_with_the_last_one_first_and_each_protected(self, three: Environment) -> None:
        found, protected = state(three, "001", "002", "003"), Protected()
        assert read(plan(found, protected), down(found, "001")) == [
            ("003", "down"),
            ("002", "down"),
        ]
        assert protected.versions == [["003", "002"]]

    def test_a_file_that_cannot_be_read_stops_the_run_before_the_first_step(
        self, three: Environment
    ) -> None:
        write(three, "003", "no sections")
        found = state(three, "001")
        with pytest.raises(FormatError):
            read(plan(found), up(found))

    def test_so_does_one_that_may_not_run_in_a_callers_transaction(
        self, three: Environment
    ) -> None:
        write(three, "003", migration(down="SELECT 1;", header=OUTSIDE))
        found = state(three, "001")
        with pytest.raises(UsageError, match=r"003_step\.sql runs outside a transaction"):
            read(plan(found, in_caller_transaction=True), up(found))
        assert len(read(plan(found), up(found))) == 2

    def test_and_one_that_would_drop_the_ledger(self, three: Environment) -> None:
        write(three, "003", migration("DROP TABLE schema_migrations;", "SELECT 1;"))
        found = state(three, "001")
        with pytest.raises(LedgerError, match=r"003_step\.sql would drop the ledger"):
            read(plan(found), up(found))


class TestTakingSteps:
    """One after the other."""

    def test_without_steps_a_run_is_at_its_start(self, three: Environment) -> None:
        made = plan(state(three))
        assert made.step.event is events.Kind.START
        assert made.step.version is None
        assert made.is_done

    def test_the_step_at_hand_is_the_first_that_is_not_done(self, three: Environment) -> None:
        found = state(three)
        made = plan(found)
        made.read(up(found, "002"))
        assert (made.step.version, made.following and made.following.version) == ("001", "002")
        made.done()
        assert (made.step.version, made.following) == ("002", None)
        made.done()
        assert made.is_done


class TestUpgrade:
    """What runs is the file as it was read ahead of the run."""

    @pytest.fixture
    def begun(self, three: Environment) -> Plan:
        found = state(three)
        made = plan(found)
        made.read(up(found))
        return made

    def test_an_edit_after_it_was_read_changes_nothing(
        self, three: Environment, begun: Plan
    ) -> None:
        write(three, "001", migration("SELECT 'edited';", "SELECT 1;"))
        todo, record = begun.upgrade("001", "base")
        assert "edited" not in todo.section.text
        assert todo.checksum == record.checksum == begun.step.checksum

    def test_one_that_is_too_large_to_keep_is_read_again_and_has_to_be_the_same(
        self, three: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_KEEP_CHARACTERS", 0)
        found = state(three)
        made = plan(found)
        made.read(up(found))
        assert made.upgrade("001", "base")[0].version == "001"
        write(three, "001", migration("SELECT 'edited';", "SELECT 1;"))
        with pytest.raises(HistoryError, match="was changed during the run") as caught:
            made.upgrade("001", "base")
        assert caught.value.where == "sql/course/001_step.sql"
        assert caught.value.state == "it was not run; course is at base"


class TestRollback:
    """What undoes a version is what the ledger keeps, and what people were shown."""

    def test_what_the_ledger_keeps_is_run_where_a_newer_release_has_the_file(
        self, three: Environment
    ) -> None:
        undo = plan(state(three, "001", "004")).downgrade("004")
        assert (undo.direction, undo.section.text.strip()) == (Direction.DOWN, DOWN)
        assert undo.place == "rollback_sql of 004 in public.schema_migrations"

    def test_another_than_the_files_is_refused_while_the_file_is_the_one_applied(
        self, three: Environment
    ) -> None:
        write(three, "001", migration(down="DROP TABLE t;"))
        found = state(three, "001")
        with pytest.raises(LedgerError, match="differs from its file") as caught:
            plan(found).downgrade("001")
        assert "stored: SELECT 1;\nfile:   DROP TABLE t;" in caught.value.detail
        undo = Plan(found, None, None).downgrade("001")
        assert undo.section.text.strip() == "DROP TABLE t;"
        assert undo.place == "sql/course/001_step.sql"

    def test_a_rollback_that_alembic_knows_nothing_of_is_protected_too(
        self, three: Environment
    ) -> None:
        protected = Protected()
        made = plan(state(three, "001"), protected)
        made.add(made.downgrade("001"))
        assert (made.step.version, made.step.direction) == ("001", "down")
        assert protected.versions == [["001"]]

    @pytest.mark.parametrize("others", [(), ("002",), ("001", "002"), ("002", "001", "001")])
    def test_other_rollbacks_than_those_shown_are_refused_ahead_of_all_else(
        self, three: Environment, others: tuple[str, ...]
    ) -> None:
        protected, found = Protected(), state(three, "001", "002")
        shown = [plan(found).downgrade(version) for version in ("002", "001")]
        made = plan(found, protected, confirmed=tuple(shown))
        with pytest.raises(LedgerError, match="changed after the preview") as caught:
            made.undo([plan(found).downgrade(version) for version in others])
        assert caught.value.state == "nothing was rolled back; course is at 002"
        assert protected.versions == []
        made.undo(shown)
        assert protected.versions == [["002", "001"]]

    def test_another_sql_than_the_one_shown_is_refused(self, three: Environment) -> None:
        found = state(three, "001")
        shown = plan(found).downgrade("001")
        changed = Plan(found, Stored("SELECT 'another';"), None, confirmed=(shown,))
        with pytest.raises(LedgerError, match="changed after the preview"):
            changed.read(down(found, "base"))

    def test_what_was_shown_is_what_runs_and_is_not_read_again(self, three: Environment) -> None:
        found = state(three, "001")
        shown = plan(found).downgrade("001")
        write(three, "001", "no sections")
        made = plan(found, confirmed=(shown,))
        made.read(down(found, "base"))
        assert made.downgrade("001") is shown


class TestStamp:
    """What the ledger has after a stamp: the ancestors of the heads, whatever was before."""

    @pytest.mark.parametrize(
        ("heads", "versions"), [((), []), (("001",), ["001"]), (("003",), ["001", "002", "003"])]
    )
    def test_all_that_the_heads_stand_on(
        self, three: Environment, heads: tuple[str, ...], versions: list[str]
    ) -> None:
        records, kept = stamp.versions(state(three, "001", "002"), revisions(three), heads)
        assert sorted(record.version for record in records) == versions
        assert all(record.rollback_sql for record in records)
        assert kept == []

    def test_a_version_without_a_file_is_kept_as_it_is(self, three: Environment) -> None:
        with_revisions = revisions(three)
        # Loaded ahead: those of a newer release are made of the ledger's rows.
        with_revisions.get_revision("003")
        for path in (three.sql / "003_step.sql", three.versions / "003_step.py"):
            path.unlink()
        records, kept = stamp.versions(state(three, "001"), with_revisions, ("003",))
        assert sorted(record.version for record in records) == ["001", "002"]
        assert kept == ["003"]
