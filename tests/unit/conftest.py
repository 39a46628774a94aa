"""What the tests of single functions share."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.files.project import Environment


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with empty folders, in the working directory."""
    environment = Environment("course", tmp_path / "course", tmp_path / "sql" / "course")
    environment.versions.mkdir(parents=True)
    environment.sql.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return environment
