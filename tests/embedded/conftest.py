"""What the tests of the embedded PostgreSQL share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.embedding import finish

MEMORY = Path("/dev/shm")  # initdb takes half as long there


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of a project that everybody may enter: root's tmp_path is closed to others."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else "/tmp"))
    folder.chmod(0o755)
    home = folder / ".postgres"
    yield home
    finish(home)
    shutil.rmtree(folder)
