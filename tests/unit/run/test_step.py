"""What becomes of a section's statements when its step fails, and what is refused beforehand."""

from __future__ import annotations

import pytest

from scripts.engine.reported import Direction, StepResult
from scripts.engine.step import CutShort, Step, check_transaction, effect
from scripts.errors import Interrupted, LockError, StatementError, UsageError
from tests.support import states
from tests.support.texts import migration

OUTSIDE = "-- Transaction: none"
SAID = "NOT rolled back, the file runs outside a transaction: "


def step(up: str = "SELECT 1;\nSELECT 2;\nSELECT 3;", *, header: str = OUTSIDE) -> Step:
    """Return the step up of a file, which runs outside a transaction unless the header differs."""
    return states.step(migration(up, "DROP TABLE t;\nDROP VIEW v;", header))


def failed(ran: int, *, lost: bool = False) -> StatementError:
    return StatementError("no", place="a.sql", line=1, detail="", ran=ran, lost=lost)


def lock_lost(ran: int | None) -> LockError:
    error = LockError("the lock was lost")
    error.ran = ran
    return error


@pytest.mark.parametrize("error", [None, failed(1), Interrupted(2, ran=1), lock_lost(1)])
def test_in_a_transaction_all_is_rolled_back_whatever_ended_it(error: CutShort | None) -> None:
    assert effect(step(header=""), error) == "rolled back"


@pytest.mark.parametrize("header", ["", OUTSIDE])
def test_in_a_callers_transaction_it_is_the_caller_who_rolls_back(header: str) -> None:
    said = effect(step(header=header), failed(1), in_caller_transaction=True)
    assert said == "failed in the caller's transaction, which the caller must roll back"


def test_when_all_have_run_it_is_the_ledger_that_lacks_it() -> None:
    assert effect(step()) == (
        f"{SAID}all of its statements took effect, but the ledger does not list it"
    )


@pytest.mark.parametrize(
    "error", [failed(2), Interrupted(15, ran=2), lock_lost(2)], ids=["error", "signal", "lock"]
)
def test_the_statements_that_have_run_are_counted(error: CutShort) -> None:
    assert effect(step(), error) == f"{SAID}2 of its 3 statements took effect"


def test_a_lock_that_was_lost_before_the_first_statement_counts_none() -> None:
    assert effect(step(), lock_lost(None)) == f"{SAID}0 of its 3 statements took effect"


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        (0, "2 of its 3 statements took effect, 2 of them in an earlier run"),
        (1, "2 of its 3 statements took effect, 2 of them in an earlier run"),
        (2, "2 of its 3 statements took effect"),
    ],
)
def test_what_an_earlier_run_has_done_counts_too(ran: int, said: str) -> None:
    assert effect(step()._replace(done_before=2), failed(ran)) == f"{SAID}{said}"


@pytest.mark.parametrize(
    ("second", "left"),
    [
        ("SELECT 2;", ""),
        ("DO $$ BEGIN END $$;", ", and whatever the failed one committed itself"),
        ("CALL p();", ", and whatever the failed one committed itself"),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a);",
            "; an INVALID index that the failed one left was dropped, or is named above",
        ),
        ("CREATE INDEX i ON t (a);", ""),
    ],
)
@pytest.mark.parametrize("error", [failed(1), Interrupted(2, ran=1)], ids=["error", "signal"])
def test_what_the_one_that_failed_may_have_left_is_told(
    error: CutShort, second: str, left: str
) -> None:
    one = step(f"SELECT 1;\n{second}\nSELECT 3;")
    assert effect(one, error) == f"{SAID}1 of its 3 statements took effect{left}"
    # The lock is looked for between two statements, so none was running when it was lost.
    assert effect(one, lock_lost(1)) == f"{SAID}1 of its 3 statements took effect"


def test_of_a_statement_whose_connection_was_lost_nobody_knows() -> None:
    said = effect(step("SELECT 1;\nCALL p();"), failed(1, lost=True))
    assert said == (
        f"{SAID}1 of its 2 statements took effect, and it is unknown whether the one that was "
        "running did"
    )


def test_a_file_outside_a_transaction_is_refused_inside_a_callers() -> None:
    with pytest.raises(UsageError) as caught:
        check_transaction(step(), in_caller_transaction=True)
    assert caught.value.where == "sql/course/004_step.sql"
    assert caught.value.state == "nothing was changed"
    assert "give an engine" in caught.value.hint


def test_all_others_are_not() -> None:
    check_transaction(step(), in_caller_transaction=False)
    check_transaction(step(header=""), in_caller_transaction=True)


def test_what_a_down_would_drop_is_looked_up_around_the_up_alone() -> None:
    up = step()
    assert [one.shown for one in up.looked_up] == ["table t", "view v"]
    assert up._replace(direction=Direction.DOWN).looked_up == ()


def test_an_observer_is_told_file_direction_statements_and_time() -> None:
    assert step().result("course", 12) == StepResult(
        environment="course",
        version="004",
        filename="004_step.sql",
        direction=Direction.UP,
        statements=3,
        duration_ms=12,
    )
