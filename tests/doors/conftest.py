"""What the tests of both doors begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.embedded.server import Server
from tests.support.databases import new_database
from tests.support.twins import Twins
from tests.support.workspace import Workspace


@pytest.fixture
def twins(workspace: Workspace, postgres: Server, tmp_path: Path) -> Iterator[Twins]:
    """Return two projects without migrations, each with an empty database of its own."""
    name = workspace.urls["course"].rpartition("/")[2].partition("?")[0]
    with new_database(postgres, f"{name}_twin") as url:
        other = Workspace.make(tmp_path / "twin", {**workspace.urls, "course": url}, postgres.bin)
        yield Twins(workspace, other)
