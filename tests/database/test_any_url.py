"""An operation is given the settings of a database, which no variable has to name."""

from __future__ import annotations

import pytest
from alembic import command

from scripts.engine import settings
from scripts.engine.alembic_commands import alembic_config
from scripts.engine.operations import overview, rollback, upgrade
from scripts.engine.settings import Settings
from scripts.errors import UsageError
from tests.support.workspace import Recorder, Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def unnamed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of course's files and of a database that the variables do not lead to."""
    workspace.add_tables("001", "002")
    for name in workspace.settings:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="COURSE_DB_URL is not set"):
        settings.load(workspace.project, workspace.environment())
    known = settings.load(workspace.project, workspace.environment(), need_url=False)
    return known._replace(url=workspace.urls["auth"])


def test_the_operations_migrate_and_roll_it_back(workspace: Workspace, unnamed: Settings) -> None:
    said = Recorder()
    applied = upgrade.to(unnamed, "head", said)
    assert [one.version for one in applied] == ["001", "002"]
    assert workspace.tables("auth") == ["t_001", "t_002"]
    assert workspace.tables("course") == []
    assert overview.status(unnamed, said.notices.append).current == "002"
    [planned] = rollback.plan([unnamed], rollback.Wanted(), said.notices.append).undoings
    gone = rollback.to(planned.settings, planned.target, said, planned.switches)
    assert [one.version for one in gone] == ["002"]
    rollback.to(unnamed, "base", said)
    assert workspace.tables("auth") == []


def test_so_does_alembic_where_a_program_gives_the_settings(
    workspace: Workspace, unnamed: Settings
) -> None:
    config = alembic_config.make(workspace.project, workspace.environment(), Recorder())
    config.attributes["settings"] = unnamed
    command.upgrade(config, "head")
    assert workspace.tables("auth") == ["t_001", "t_002"]
    command.downgrade(config, "-1")
    assert workspace.tables("auth") == ["t_001"]
    assert workspace.tables("course") == []
