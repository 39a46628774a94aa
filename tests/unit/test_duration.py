"""Durations: read as PostgreSQL reads them, written for people."""

from __future__ import annotations

import pytest

from scripts.sqltext import duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0.0", 0),
        ("500ms", 500),
        ("5s", 5000),
        ("5 s", 5000),
        (" 2min ", 120_000),
        ("1.5s", 1500),
        ("0.5h", 1_800_000),
        ("24d", 2_073_600_000),
        ("2147483647ms", 2_147_483_647),
        ("007s", 7000),
    ],
)
def test_durations_are_read(text: str, milliseconds: int) -> None:
    assert duration.milliseconds(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-5s",
        "+5s",
        "5S",
        "5m",
        "5 minutes",
        "5s 3ms",
        "1e3",
        "1.s",
        ".5s",
        "5;",
        "∞",
        "\u0665s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 500ms, 5s or 2min") as caught:
        duration.milliseconds(text)

    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize("text", ["25d", "2147483648ms", "9" * 400 + "s"])
def test_a_duration_that_postgresql_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than PostgreSQL's maximum"):
        duration.milliseconds(text)


@pytest.mark.parametrize("text", ["5", "250", " 1.5 ", "007"])
def test_a_number_without_a_unit_is_refused_with_what_may_have_been_meant(text: str) -> None:
    with pytest.raises(duration.MissingUnitError, match="has no unit") as caught:
        duration.milliseconds(text)

    assert caught.value.meant == (f"{text.strip()}s", f"{text.strip()}ms")


def test_what_was_applied_without_a_unit_stays_milliseconds() -> None:
    assert duration.milliseconds("250", bare=True) == 250


def test_a_duration_is_never_rounded_to_no_limit() -> None:
    with pytest.raises(ValueError, match="write 0 for no limit"):
        duration.milliseconds("0.4ms")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (3449, "3.4 s"),
        (59_949, "59.9 s"),
        (59_950, "1 min 0 s"),
        (60_000, "1 min 0 s"),
        (125_400, "2 min 5 s"),
        (3_600_000, "60 min 0 s"),
    ],
)
def test_durations_are_written_for_people(milliseconds: int, text: str) -> None:
    assert duration.text(milliseconds) == text
