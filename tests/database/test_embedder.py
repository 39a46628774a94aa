"""A program that calls Alembic itself, with a connection or an engine of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool, StaticPool

from scripts.errors import StatementError, UsageError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def engine(workspace: Workspace) -> Iterator[Engine]:
    made = create_engine(
        workspace.urls["course"].replace("postgresql:", "postgresql+psycopg2:"), poolclass=NullPool
    )
    yield made
    made.dispose()


def config(workspace: Workspace, connection: Connection | Engine) -> Config:
    made = Config(str(workspace.root / "alembic.ini"), ini_section="course")
    made.attributes["connection"] = connection
    return made


def events(workspace: Workspace) -> list[str]:
    rows = workspace.query("SELECT event FROM schema_migrations_events ORDER BY id")
    return [event for (event,) in rows]


@pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
def test_an_engine_runs_and_logs(workspace: Workspace, engine: Engine, header: str) -> None:
    workspace.add("001", "CREATE TABLE a (id int);", header=header)
    workspace.add_tables("002")
    command.upgrade(config(workspace, engine), "head")
    assert workspace.versions() == ["001", "002"]
    assert events(workspace)[-1] == "success"


def test_a_file_without_a_transaction_is_refused_in_the_program_s_own(
    workspace: Workspace, engine: Engine
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);", header="-- Transaction: none\n")
    with engine.begin() as connection, pytest.raises(UsageError) as caught:
        command.upgrade(config(workspace, connection), "head")
    assert "002_step.sql runs outside a transaction" in caught.value.what
    assert caught.value.state == "nothing was changed"
    assert workspace.tables() == []


@pytest.mark.parametrize("given", ["engine", "connection"])
def test_autocommit_is_refused(workspace: Workspace, engine: Engine, given: str) -> None:
    workspace.add_tables("001")
    always = engine.execution_options(isolation_level="AUTOCOMMIT")
    with always.connect() as connection, pytest.raises(UsageError, match="is in autocommit"):
        command.upgrade(config(workspace, always if given == "engine" else connection), "head")
    assert workspace.tables() == []


def test_a_transaction_of_the_program_holds_all_or_nothing(
    workspace: Workspace, engine: Engine
) -> None:
    workspace.add_tables("001", "002")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE own (id int)"))
        command.upgrade(config(workspace, connection), "head")
        assert workspace.tables() == []
        connection.rollback()
    assert workspace.tables() == []
    with engine.begin() as connection:
        command.upgrade(config(workspace, connection), "head")
    assert workspace.versions() == ["001", "002"]
    assert events(workspace) == ["start", "success", "start", "success"]


def test_a_failure_in_the_programs_transaction_is_logged_beside_it(
    workspace: Workspace, engine: Engine
) -> None:
    workspace.add_tables("001")
    command.upgrade(config(workspace, engine), "head")
    workspace.add("002", "SELECT 1 / 0;")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE own (id int)"))
        with pytest.raises(StatementError):
            command.upgrade(config(workspace, connection), "head")
    assert events(workspace)[-1] == "failure"


def test_a_pool_of_one_connection_has_none_for_the_lock_and_works(workspace: Workspace) -> None:
    workspace.add_tables("001")
    url = workspace.urls["course"].replace("postgresql:", "postgresql+psycopg2:")
    single = create_engine(url, poolclass=StaticPool)
    with single.connect() as connection:
        command.upgrade(config(workspace, connection), "head")
    single.dispose()
    assert workspace.versions() == ["001"]


def test_the_role_is_taken_on_and_given_up_again(
    workspace: Workspace, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_ROLE", "migrator")
    workspace.add("001", "CREATE TABLE a AS SELECT current_setting('role') AS it;")
    with engine.connect() as connection:
        command.upgrade(config(workspace, connection), "head")
        assert connection.execute(text("TABLE a")).scalar() == "migrator"
        connection.commit()
        assert connection.execute(text("SELECT current_setting('role')")).scalar() == "none"


def test_a_stamp_in_the_programs_transaction_is_a_part_of_it(
    workspace: Workspace, engine: Engine
) -> None:
    workspace.add_tables("001", "002")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE own (id int)"))
        command.stamp(config(workspace, connection), "002")
    assert workspace.tables() == ["own"]
    assert workspace.versions() == ["001", "002"]
    assert workspace.alembic_version() == ["002"]
