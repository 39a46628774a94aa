"""What the layout promises, as far as import-linter does not look."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.workspace import REPOSITORY

MODULES = sorted((REPOSITORY / "scripts").rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
LIMIT, LIMIT_OF_TESTS = 250, 300
LOWER = re.compile(
    r"^ *from scripts.* import .*\b(redaction|telling|server_message|offending_rows)\b|"
    r"^ *from scripts\S*\.(redaction|telling|server_message|offending_rows) import",
    re.MULTILINE,
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_module_fits_in_the_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LIMIT


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_of_tests_fits_in_it_too(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LIMIT_OF_TESTS


def test_no_test_module_imports_from_another() -> None:
    of_a_test = re.compile(r"^(from|import) tests(?!\.(support|tools)\b)", re.MULTILINE)
    assert [path for path in TESTS if of_a_test.search(path.read_text())] == []


def test_the_environments_differ_in_nothing_but_their_versions() -> None:
    auth, course = (
        {path.name: path.read_text() for path in (REPOSITORY / name).iterdir() if path.is_file()}
        for name in ("auth", "course")
    )
    assert auth == course


def test_no_name_in_scripts_shadows_the_standard_library_for_a_command() -> None:
    names = {path.stem for path in (REPOSITORY / "scripts").iterdir()}
    assert names & set(sys.stdlib_module_names) == set()


def test_the_files_that_the_architecture_page_names_exist() -> None:
    page = (REPOSITORY / "docs/architecture.md").read_text()
    named = set(re.findall(r"`(scripts/[\w/.]+)`", page))
    assert len(named) > 20
    assert {one for one in named if not (REPOSITORY / one).exists()} == set()
    floors = re.findall(r"`(console|checks|engine|embedded|files|catalog|sqltext|errors)`", page)
    assert {*floors} == {
        path.name for path in (REPOSITORY / "scripts").iterdir() if path.is_dir()
    } - {"__pycache__"}


def test_what_may_be_shown_is_decided_in_one_place() -> None:
    """Below `disclosure` are its parts, and the floor of SQL, which has a summary of its own."""
    users = {
        str(path.relative_to(REPOSITORY / "scripts"))
        for path in MODULES
        if LOWER.search(path.read_text())
    }
    assert users == {
        "engine/disclosure.py",
        "engine/offending_rows.py",
        "engine/server_message.py",
        "sqltext/redaction.py",
        "sqltext/statements.py",
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_the_words_of_a_server_are_read_for_no_other_purpose(path: Path) -> None:
    inside = {"disclosure.py", "offending_rows.py", "server_message.py"}
    if path.name not in inside:
        for words in ("message_detail", "message_hint", "diag.context", "internal_query"):
            assert words not in path.read_text()
