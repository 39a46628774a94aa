"""Texts of migration files, and the errors that reading them gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import FormatError
from scripts.files import migration_file
from scripts.files.migration_file import MigrationFile

PATH = Path("004_step.sql")


def migration(up: str = "SELECT 1;", down: str = "", header: str = "") -> str:
    """Lay out a migration: header lines, then the two sections, each below its marker."""
    head = f"{header}\n" if header else ""
    return f"{head}-- UP\n{up}\n-- DOWN\n{down}\n"


def read(text: str) -> MigrationFile:
    """Take a text apart as a file's text is."""
    return migration_file.parse(PATH, text)


def refusal(text: str) -> FormatError:
    """Return the error that a text is refused with."""
    with pytest.raises(FormatError) as caught:
        read(text)
    return caught.value


def shown(text: str) -> str:
    """Return the error as people see it."""
    return str(refusal(text))


def statements(text: str) -> list[str]:
    """Return the statements of a text's UP section, without what stands around them."""
    return [statement.text[statement.body :] for statement in read(text).up.statements]
