"""What the layout promises, as far as import-linter does not look."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MODULES = sorted((REPOSITORY / "scripts").rglob("*.py"))
LIMIT = 250
LOWER = re.compile(
    r"^from scripts.* import .*\b(redaction|telling|server_message|offending_rows)\b|"
    r"^from scripts\S*\.(redaction|telling|server_message|offending_rows) import",
    re.MULTILINE,
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_module_fits_in_the_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LIMIT


def test_the_environments_differ_in_nothing_but_their_versions() -> None:
    auth, course = (
        {path.name: path.read_text() for path in (REPOSITORY / name).iterdir() if path.is_file()}
        for name in ("auth", "course")
    )
    assert auth == course


def test_no_name_in_scripts_shadows_the_standard_library_for_a_command() -> None:
    names = {path.stem for path in (REPOSITORY / "scripts").iterdir()}
    assert names & set(sys.stdlib_module_names) == set()


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
