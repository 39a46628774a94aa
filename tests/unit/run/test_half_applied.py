"""A file that is half applied: what it keeps from being rolled back, and what undoes it."""

from __future__ import annotations

import pytest

from scripts.engine.reported import Direction
from scripts.engine.run.command import Command, Kind
from scripts.engine.safeguards import half_applied
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.errors import RollbackError, UsageError
from scripts.files.project import Environment
from tests.support.states import partial, state, write
from tests.support.texts import migration

DOWN = Command(Kind.DOWNGRADE, "001")
STORED = "-- Transaction: none\nDROP TABLE stored;"


def test_nothing_below_a_half_applied_file_is_rolled_back(three: Environment) -> None:
    found = state(three, "001", "002", partial=(partial(),))
    with pytest.raises(RollbackError) as caught:
        DOWN.undoing(found, NO_SWITCHES)
    assert "003_step.sql is half applied" in caught.value.what
    assert caught.value.detail.startswith("1 of 2 statements took effect; ")
    assert "division by zero" in caught.value.detail
    assert caught.value.state == "nothing was rolled back; course is at 002, plus part of 003"
    assert "rollback.py --database course --partial" in caught.value.hint
    assert "alembic -n course -x partial=003 downgrade 002" in caught.value.hint


@pytest.mark.parametrize("kind", [Kind.UPGRADE, Kind.STAMP, Kind.INSPECT])
def test_all_other_commands_pass(three: Environment, kind: Kind) -> None:
    found = state(three, "001", "002", partial=(partial(),))
    assert Command(kind, "003").undoing(found, NO_SWITCHES) is None


@pytest.mark.parametrize(
    "noted", [(), (partial(version="002"),)], ids=["nothing begun", "completed since"]
)
def test_without_one_a_rollback_passes(three: Environment, noted: tuple[object, ...]) -> None:
    assert DOWN.undoing(state(three, "001", "002", partial=noted), NO_SWITCHES) is None


@pytest.mark.parametrize(
    ("noted", "detail"),
    [((), "no file is half applied, according to the event log"), ((partial(),), "003 is")],
)
def test_a_version_that_is_not_half_applied_is_refused_with_the_one_that_is(
    three: Environment, noted: tuple[object, ...], detail: str
) -> None:
    found = state(three, "001", "002", partial=noted)
    with pytest.raises(UsageError, match="is not half applied") as caught:
        DOWN.undoing(found, Switches(partial=2))
    assert caught.value.detail == detail


def test_it_is_undone_by_a_downgrade_alone(three: Environment) -> None:
    found = state(three, "001", "002", partial=(partial(),))
    with pytest.raises(UsageError) as caught:
        Command(Kind.UPGRADE, "head").undoing(found, Switches(partial=3))
    assert "`alembic -n course -x partial=003 downgrade 002`" in caught.value.hint


class TestUndo:
    """What undoes a half-applied file."""

    def test_what_the_event_log_keeps_comes_before_the_file(self, three: Environment) -> None:
        noted = partial(rollback_sql=STORED, checksum="then")
        found = state(three, "001", "002", partial=(noted,))
        undo = DOWN.undoing(found, Switches(partial=3))
        assert undo
        assert "DROP TABLE stored;" in undo.section.text
        assert undo.place == "rollback_sql of 003 in the event log"
        assert (undo.direction, undo.version, undo.checksum) == (Direction.DOWN, "003", "then")
        assert not undo.header.transactional

    @pytest.mark.parametrize(("stored", "use_file"), [(None, False), (None, True), (STORED, True)])
    def test_the_files_down_where_nothing_is_kept_or_it_is_wanted(
        self, three: Environment, stored: str | None, use_file: bool
    ) -> None:
        write(three, "003", migration(down="DROP TABLE of_the_file;"))
        found = state(three, "001", "002")
        undo = half_applied.undo(found, partial(rollback_sql=stored), use_file=use_file)
        assert "DROP TABLE of_the_file;" in undo.section.text
        assert undo.place == "sql/course/003_step.sql"

    def test_with_neither_it_is_refused(self, three: Environment) -> None:
        for path in (three.sql / "003_step.sql", three.versions / "003_step.py"):
            path.unlink()
        with pytest.raises(RollbackError) as caught:
            half_applied.undo(state(three, "001", "002"), partial(), use_file=False)
        assert "003_step.sql is not in this checkout" in caught.value.what
        assert caught.value.hint == "deploy the release that has the file"

    def test_a_file_that_is_declared_irreversible_says_why(self, three: Environment) -> None:
        write(three, "003", migration(header="-- Irreversible: the rows are gone"))
        with pytest.raises(RollbackError, match="irreversible: the rows are gone") as caught:
            half_applied.undo(state(three, "001", "002"), partial(), use_file=False)
        assert caught.value.where == "sql/course/003_step.sql"
        assert caught.value.hint == "complete it with `python scripts/migrate.py`"


def test_a_log_of_an_older_release_does_not_know_how_many_there_are() -> None:
    assert half_applied.described(partial(statements=None)).startswith(
        "1 of its statements took effect; "
    )


def test_going_further_back_at_once_is_refused_with_the_command(three: Environment) -> None:
    error = half_applied.moves_too(state(three, "001", "002"), "003")
    assert error.what.endswith("must leave the database at 002")
    assert "`alembic -n course -x partial=003 downgrade 002`" in error.hint
