"""What several tests of a run on a database begin with."""

from __future__ import annotations

import pytest

from tests.support.workspace import Workspace


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Two migrations, applied."""
    workspace.add_tables("001", "002")
    workspace.upgrade()
    return workspace
