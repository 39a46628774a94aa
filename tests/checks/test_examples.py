"""The examples of docs/checks.md: validate finds the Bad ones, and nothing in the Good ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks import git, rules
from scripts.checks.finding import Finding
from scripts.checks.rules import Page, Severity
from scripts.checks.static.suite import Scope
from tests.support.chains import NAMES, RELEASED, Branched, branch, in_frame
from tests.support.frame import FRAME, files
from tests.support.projects import findings, lay_out

WITHOUT = {
    "squawk-other": "rules of a squawk that is newer than these pages",
    "squawk-unread": "what squawk can't read, and PostgreSQL can: none is known of this squawk",
    **dict.fromkeys(
        (page.code for page in rules.every().values() if page.group == "live"),
        "looks at a database: tests/commands/test_validate.py makes one that has it",
    ),
}
"""The codes without examples, each with the reason."""
ONLY_BAD = {"squawk-ban-drop-database": "no migration does it in any way"}
SQL = [
    page
    for page in rules.every().values()
    # tests/checks/test_shadow.py runs those of the shadow.
    if page.code not in {**WITHOUT, **NAMES, **RELEASED} and page.group != "shadow"
]


def codes(found: list[Finding]) -> set[str]:
    return {one.code for one in found}


def serious(found: list[Finding]) -> list[str]:
    return [
        f"{one.where}: {one.message} [{one.code}]"
        for one in found
        if one.severity is not Severity.NOTE
    ]


def test_every_page_has_two_examples_or_a_reason_to_have_none() -> None:
    for page in rules.every().values():
        wanted = (page.code not in WITHOUT, page.code not in {**WITHOUT, **ONLY_BAD})
        assert (bool(page.bad), bool(page.good)) == wanted, page.code
    assert {*WITHOUT, *ONLY_BAD, *NAMES, *RELEASED} <= rules.every().keys()


def test_nothing_is_found_in_the_frame(root: Path) -> None:
    assert in_frame(root, {}) == []


@pytest.mark.parametrize("page", SQL, ids=lambda page: page.code)
def test_a_bad_example_is_found(root: Path, page: Page) -> None:
    assert page.code in codes(in_frame(root, files(page.bad)))


@pytest.mark.parametrize(
    "page", [page for page in SQL if page.code not in ONLY_BAD], ids=lambda page: page.code
)
def test_nothing_is_found_in_a_good_example(root: Path, page: Page) -> None:
    found = in_frame(root, files(page.good))
    assert page.code not in codes(found)
    assert serious(found) == []


@pytest.mark.parametrize("code", [*NAMES, *RELEASED])
def test_what_is_built_is_what_the_examples_speak_of(code: str) -> None:
    page, built = rules.get(code), NAMES.get(code) or RELEASED[code]
    assert [one for one in built.says if one not in f"{page.bad}\n{page.good}"] == []


@pytest.mark.parametrize("code", NAMES)
def test_a_bad_name_or_chain_is_found(root: Path, code: str) -> None:
    lay_out(root, {**FRAME, **NAMES[code].bad})
    NAMES[code].after(root)
    assert code in codes(findings(root))


@pytest.mark.parametrize("code", NAMES)
def test_nothing_is_found_in_a_good_name_or_chain(root: Path, code: str) -> None:
    found = in_frame(root, NAMES[code].good)
    assert code not in codes(found)
    assert serious(found) == []


def in_branch(root: Path, example: Branched, kind: str) -> list[Finding]:
    branch(root, example, kind)
    return findings(root, Scope(base=git.base(root, "main")))


@pytest.mark.parametrize("code", RELEASED)
def test_a_bad_branch_is_found(root: Path, code: str) -> None:
    assert code in codes(in_branch(root, RELEASED[code], "bad"))


@pytest.mark.parametrize("code", RELEASED)
def test_nothing_is_found_in_a_good_branch(root: Path, code: str) -> None:
    found = in_branch(root, RELEASED[code], "good")
    assert code not in codes(found)
    assert serious(found) == []
