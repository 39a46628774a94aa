"""What is tried again, how often, after which pause, and what is said of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.engine.execution import retry
from scripts.errors import LockError, StatementError
from scripts.sqltext import statements

LOCK, DEADLOCK, SYNTAX = "55P03", "40P01", "42601"


def failure(sqlstate: str) -> StatementError:
    return StatementError("no", place="a.sql", line=3, detail="said", ran=0, sqlstate=sqlstate)


class Tries:
    """Tries that fail with these errors, and then succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.done: list[str] = []
        self.said: list[str] = []

    def attempt(self) -> None:
        self.done.append("try")
        if self.errors:
            raise self.errors.pop(0)

    def run(self, retries: int) -> None:
        back = lambda: self.done.append("back")  # noqa: E731
        for attempt in retry.attempts(retries, back, self.said.append):
            with attempt:
                self.attempt()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in the pauses."""
    monkeypatch.setattr(retry, "_FIRST_PAUSE", 0.0)


def test_what_succeeds_is_run_once_and_nothing_is_said() -> None:
    tries = Tries()
    tries.run(5)
    assert (tries.done, tries.said) == (["try"], [])


def test_between_two_tries_what_was_done_is_undone_and_the_next_one_announced() -> None:
    tries = Tries(failure(LOCK), failure(DEADLOCK))
    tries.run(2)
    assert tries.done == ["try", "back", "try", "back", "try"]
    assert len(tries.said) == 2
    for said, number in zip(tries.said, ("2 of 3", "3 of 3"), strict=True):
        assert "a.sql:3" in said
        assert f"retrying in 0.0 s (attempt {number})" in said
    assert tries.said[0].startswith("lock not available in time")
    assert tries.said[1].startswith("deadlock")


@pytest.mark.parametrize("sqlstate", [LOCK, DEADLOCK])
def test_the_last_failure_says_how_often_it_was_tried_and_what_can_be_done(sqlstate: str) -> None:
    last = failure(sqlstate)
    tries = Tries(failure(LOCK), last)
    with pytest.raises(StatementError) as caught:
        tries.run(1)
    assert caught.value.sqlstate == last.sqlstate
    assert caught.value.tries == 2
    assert caught.value.detail.startswith("said\ntried 2 times: ")
    assert "pg_terminate_backend" in caught.value.hint
    # What the last one has done is left to the caller, who rolls all of it back.
    assert tries.done == ["try", "back", "try"]


def test_without_retries_no_number_of_tries_is_told() -> None:
    with pytest.raises(StatementError) as caught:
        Tries(failure(LOCK)).run(0)
    assert (caught.value.detail, caught.value.tries) == ("said", 1)
    assert "pg_terminate_backend" in caught.value.hint


@pytest.mark.parametrize("error", [failure(SYNTAX), failure(""), LockError("lost")])
def test_any_other_failure_ends_it_at_once_and_unchanged(error: StatementError | LockError) -> None:
    tries = Tries(error)
    with pytest.raises(type(error)) as caught:
        tries.run(5)
    assert caught.value is error
    assert (error.detail, error.hint) in (("said", ""), ("", ""))
    assert (tries.done, tries.said) == (["try"], [])


@given(st.integers(1, 1000), st.integers())
def test_a_pause_doubles_up_to_ten_seconds_and_is_never_cut_below_half(
    tried: int, seed: int
) -> None:
    random.seed(seed)  # Hypothesis has each example begin with the same one
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "_FIRST_PAUSE", 0.2)
        longest = min(10, 0.2 * 2**tried)
        assert longest / 2 <= retry._pause(tried) <= longest


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("SELECT 1; SET lock_timeout = 1;", True),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;", False),
        ("SELECT 1; /* a */ set /* b */ transaction READ ONLY;", False),
        ("SET LOCAL transaction_timeout = 1;", True),
        ("", True),
    ],
)
def test_only_set_transaction_can_not_stand_behind_a_savepoint(text: str, possible: bool) -> None:
    assert retry.possible(tuple(statements.split(text))) is possible
