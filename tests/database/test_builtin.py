"""pytest-alembic's own tests, on both of the project's histories.

Its test of models against the database is left out: there are no models in Python here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import alembic.config
import pytest
import pytest_alembic.tests as builtin
from pytest_alembic import MigrationContext
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database


@pytest.fixture(params=["auth", "course"])
def alembic_config(request: pytest.FixtureRequest) -> alembic.config.Config:
    """Alembic's configuration of one environment, as `alembic -n` reads it."""
    return alembic.config.Config(str(REPOSITORY / "alembic.ini"), ini_section=request.param)


@pytest.fixture
def alembic_engine(database: str) -> Iterator[Engine]:
    """An engine on an empty database; it reaches env.py instead of the URL."""
    engine = create_engine(
        database.replace("postgresql:", "postgresql+psycopg2:"), poolclass=NullPool
    )
    yield engine
    engine.dispose()


def test_single_head_revision(alembic_runner: MigrationContext) -> None:
    builtin.test_single_head_revision(alembic_runner)


def test_upgrade(alembic_runner: MigrationContext) -> None:
    builtin.test_upgrade(alembic_runner)


def test_up_down_consistency(alembic_runner: MigrationContext) -> None:
    builtin.test_up_down_consistency(alembic_runner)


def test_downgrade_leaves_the_ledger_only(
    alembic_runner: MigrationContext, alembic_engine: Engine
) -> None:
    alembic_runner.migrate_up_to("heads")
    alembic_runner.migrate_down_to("base")
    with alembic_engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in names} == {
            "alembic_version",
            "alembic_version_pkc",
            "schema_migrations",
            "schema_migrations_pkey",
            "schema_migrations_events",
            "schema_migrations_events_id_seq",
            "schema_migrations_events_pkey",
        }


def test_every_sql_file_is_tested_here(alembic_config: alembic.config.Config) -> None:
    name = alembic_config.config_ini_section
    assert list(Path(REPOSITORY / "sql" / name).glob("*.sql"))
