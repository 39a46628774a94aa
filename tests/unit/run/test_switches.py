"""What a run is told with -x and by programs."""

from __future__ import annotations

import pytest

from scripts.engine import switches
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.errors import UsageError


def read(*given: str, by_program: Switches | None = None) -> Switches:
    return switches.read(by_program or NO_SWITCHES, given)


def test_without_any_nothing_is_chosen() -> None:
    assert read() == NO_SWITCHES
    assert not NO_SWITCHES.may_drop_existing("001")


def test_each_version_that_may_drop_what_was_there_is_one_number_however_written() -> None:
    chosen = read("drop_existing=007", "drop_existing=12")
    assert chosen.drop_existing == {7, 12}
    assert chosen.may_drop_existing("7")
    assert chosen.may_drop_existing("012")
    assert not chosen.may_drop_existing("1")


def test_what_people_say_is_added_to_what_a_program_has_chosen() -> None:
    before = Switches(use_file=True, drop_existing=frozenset({1}), partial=3)
    assert read("drop_existing=2", by_program=before) == Switches(
        use_file=True, drop_existing=frozenset({1, 2}), partial=3
    )
    assert read("partial=004", by_program=before).partial == 4


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "²", "٣", "1" * 33])
@pytest.mark.parametrize("name", ["partial", "drop_existing"])
def test_what_is_no_version_is_refused_with_how_it_is_written(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(f"{name}={value}")
    assert caught.value.what.endswith(f"'{value}'")
    assert caught.value.hint == f"write -x {name}=007"


def test_two_half_applied_files_are_not_rolled_back_at_once() -> None:
    with pytest.raises(UsageError, match="partial was given twice"):
        read("partial=1", "partial=1")


@pytest.mark.parametrize(
    ("given", "help"),
    [
        ("drop_exiting=1", "did you mean -x drop_existing=VERSION?"),
        ("partail=1", "did you mean -x partial=VERSION?"),
        ("force", "-x drop_existing=VERSION, -x partial=VERSION"),
    ],
)
def test_an_unknown_switch_is_refused_with_the_one_that_was_meant(given: str, help: str) -> None:
    with pytest.raises(UsageError, match="unknown switch -x") as caught:
        read(given)
    assert help in caught.value.hint
    assert caught.value.state == "nothing was changed"
