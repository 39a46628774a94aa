"""The register of checks: what is planned can be explained, and is taken for a check nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks import rules
from scripts.checks.validation import Wanted
from scripts.errors import UsageError
from tests.support.projects import codes
from tests.support.workspace import REPOSITORY

PLANNED = ("shadow-rows-lost", "shadow-data-fails")


def test_the_document_is_what_the_pages_say() -> None:
    assert (REPOSITORY / "docs/checks.md").read_text() == rules.document()


@pytest.mark.parametrize("code", PLANNED)
def test_a_planned_check_is_explained_as_planned_and_is_not_in_the_document(code: str) -> None:
    assert code not in rules.every()
    assert rules.markdown(rules.get(code)).splitlines()[2] == (
        "**Planned: validate.py does not have this check yet.**"
    )
    assert code not in rules.document()


def test_a_group_with_planned_pages_is_in_the_document_with_the_others() -> None:
    assert {page.group for page in rules.planned().values()} == {"shadow"}
    assert rules.group("shadow") in rules.document()


@pytest.mark.parametrize("code", [*PLANNED, "shadow-rows", "shadow-data"])
@pytest.mark.parametrize("option", ["select", "ignore"])
def test_a_planned_check_is_neither_selected_nor_ignored(code: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"'{code}' is planned: validate.py does not have"):
        Wanted(**{option: [code]}).check()


def test_a_beginning_that_made_and_planned_checks_share_is_taken() -> None:
    Wanted(select=["live"]).check()
    Wanted(ignore=["shadow-"]).check()


def test_planned_checks_are_not_proposed_for_mistyped_ones() -> None:
    with pytest.raises(UsageError) as caught:
        rules.get("shadow-rows-lots")
    assert "shadow-rows" not in caught.value.hint


def test_a_comment_that_ignores_a_planned_check_is_found(tmp_path: Path) -> None:
    text = (
        "-- UP\n-- validate: ignore shadow-rows-lost it works\nSELECT 1;\n-- DOWN\n-- SELECT 1;\n"
    )
    assert codes(tmp_path, {"001_one.sql": text}) == ["bad-ignore"]
