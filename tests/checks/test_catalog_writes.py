"""Whether the catalogs were written to: what decides that they need not be read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from scripts.checks.shadow.writes import CatalogWrites
from scripts.embedded.server import Server
from scripts.engine import settings
from scripts.engine.session.run_connection import OwnSource, RunConnection
from scripts.files import project
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def connection(workspace: Workspace, postgres: Server) -> Iterator[RunConnection]:
    """A superuser's connection to a database of a test's own, which has a table."""
    here = project.load(workspace.root / "alembic.ini")
    loaded = settings.load(here, here.environment("course"), need_url=False)
    name = urlsplit(workspace.urls["course"]).path.removeprefix("/")
    loaded = loaded._replace(url=postgres.url(name))
    source = OwnSource(loaded, lambda _: None)
    with closing(RunConnection(loaded, source, lambda _: None)) as opened:
        with opened.transaction():
            opened.execute("CREATE TABLE a (id int)")
        yield opened


@pytest.mark.parametrize(
    ("sql", "none"),
    [
        ("SELECT count(*) FROM a", True),
        ("INSERT INTO a VALUES (1)", True),
        ("CREATE TABLE IF NOT EXISTS a (id int)", True),
        ("CREATE TABLE b (id int)", False),
        ("COMMENT ON TABLE a IS 'x'", False),
        ("ALTER TABLE a SET (fillfactor = 90)", False),
        ("GRANT SELECT ON a TO PUBLIC", False),
        ("CREATE ROLE nobody_at_all; DROP ROLE nobody_at_all", False),
        ("SELECT lo_create(0)", False),
        ("SAVEPOINT s; CREATE TABLE b (id int); ROLLBACK TO s", False),
        ("SET LOCAL track_counts = off; CREATE TABLE b (id int)", False),
    ],
)
def test_a_write_is_seen(connection: RunConnection, sql: str, none: bool) -> None:
    writes = CatalogWrites(connection)
    writes.turn(on=True)
    with connection.transaction():
        writes.begin()
        connection.execute(sql)
        assert writes.are_none() is none


def test_nothing_is_known_of_a_transaction_that_was_not_watched(connection: RunConnection) -> None:
    writes = CatalogWrites(connection)
    writes.turn(on=True)
    with connection.transaction():
        writes.begin()
    writes.turn(on=True)
    with connection.transaction():
        assert not writes.are_none()
