"""What is said when another run was faster."""

from __future__ import annotations

import pytest

from scripts.engine.safeguards import race
from scripts.errors import LedgerError
from scripts.files.project import Environment
from tests.support.states import state


@pytest.mark.parametrize(
    ("now", "before", "did"),
    [
        ("003", "005", "rolled it back"),
        ("base", "005", "rolled it back"),
        ("9", "010", "rolled it back"),
        ("005", "003", "applied migrations"),
        ("001", "base", "applied migrations"),
        ("010", "9", "applied migrations"),
    ],
)
def test_versions_tell_in_which_direction_the_other_run_went(
    now: str, before: str, did: str
) -> None:
    error = race.moved("course", now, before)
    assert error.what == f"course is now at {now}: another run {did}"
    assert error.detail == f"it was at {before} when this run started"


@pytest.mark.parametrize(("applying", "done"), [(True, "applied"), (False, "rolled back")])
def test_the_state_says_what_this_run_was_about_to_do(applying: bool, done: str) -> None:
    assert race.moved("course", "2", "1", applying=applying).state == (
        f"nothing was {done} by this run"
    )


def test_versions_that_are_still_applied_may_be_rolled_back(three: Environment) -> None:
    race.check_applied(state(three, "001", "002"), ["2", "001"])
    race.check_applied(state(three), [])


def test_one_that_is_gone_is_named_as_what_the_database_was_at(three: Environment) -> None:
    with pytest.raises(LedgerError, match="course is now at 001") as caught:
        race.check_applied(state(three, "001"), ["002", "001"])
    assert caught.value.detail == "it was at 002 when this run started"
