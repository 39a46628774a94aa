"""What the layout promises, as far as import-linter does not look."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.workspace import REPOSITORY

MODULES = sorted((REPOSITORY / "scripts").rglob("*.py"))
LIMIT = 250


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
