"""Drift: what a live database has otherwise than a shadow with the same migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import unlocked
from scripts.checks.finding import Finding
from scripts.checks.live import drift, expected, suite
from scripts.checks.live.expected import Expected
from scripts.checks.shadow.servers import Servers
from scripts.embedded.server import Server
from scripts.engine import settings, status
from scripts.engine.settings import Settings
from scripts.files import history, project
from tests.support import catalogs
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def as_superuser(workspace: Workspace, postgres: Server) -> Settings:
    name = urlsplit(workspace.urls["course"]).path.removeprefix("/")
    here = project.load(workspace.root / "alembic.ini")
    loaded = settings.load(here, here.environment("course"), need_url=False)
    return loaded._replace(url=postgres.url(name))


def compared(connection: Connection, of: Settings, made: Expected) -> list[Finding]:
    found = status.read(connection, of, history.survey(of.environment)[0])
    before = unlocked.take(connection)
    live = suite.look(connection, found.ledger, before)
    return drift.compare("course", made, live, of.environment.ignore)


def run(connection: Connection, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


@pytest.fixture
def everything(workspace: Workspace, postgres: Server) -> Iterator[tuple[Settings, Expected]]:
    """A database that a migration has given one object of every class, and what it should have."""
    of = as_superuser(workspace, postgres)
    with closing(psycopg2.connect(of.url)) as connection:
        run(connection, catalogs.ROLE)
        connection.commit()
        workspace.add("001", catalogs.EVERYTHING, "SELECT 1;")
        url = {"COURSE_DB_URL": of.url}
        done = workspace.run("migrate", "--database", "course", environment=url)
        assert done.returncode == 0, done.stderr
        with Servers(postgres.url("postgres"), None) as servers:
            made = expected.build(servers, of, ["001"], lambda _: None)
        assert isinstance(made, Expected), made
        yield of, made
        # A database with a subscription cannot be dropped.
        run(connection, "DROP SUBSCRIPTION copies")
        connection.commit()


NOT_COMPARED = (
    "large object",
    "connection_limit",
    "populated",
    "~ extension hstore: version",
    "~ extension hstore: owner",
)
"""What is data, and what CREATE DATABASE has decided."""


def test_each_of_many_changes_by_hand_is_found(everything: tuple[Settings, Expected]) -> None:
    of, made = everything
    wrong = {}
    with closing(psycopg2.connect(of.url)) as connection:
        assert compared(connection, of, made) == []
        for statement, lines in catalogs.forms():
            text = statement.replace("{database}", f'"{connection.info.dbname}"')
            run(connection, f"SET LOCAL search_path = app, public; {text}")
            found = compared(connection, of, made)
            connection.rollback()
            lines = [line for line in lines if not any(one in line for one in NOT_COMPARED)]
            if len(found) != len(lines) or not all(one.detail for one in found):
                wrong[statement] = ([one.message for one in found], lines)
    assert wrong == {}


def test_many_changes_at_once_are_as_many_findings(everything: tuple[Settings, Expected]) -> None:
    of, made = everything
    expected_kinds: list[str] = []
    with closing(psycopg2.connect(of.url)) as connection:
        for statement, lines in catalogs.forms():
            kind = lines[0].split(" ", 1)[1].split(" ")[0]
            alone = len(lines) == 1 and not any(one in lines[0] for one in NOT_COMPARED)
            if not alone or kind in expected_kinds or statement.startswith(("DROP", "ALTER ROLE")):
                continue
            run(connection, "SAVEPOINT before")
            text = statement.replace("{database}", f'"{connection.info.dbname}"')
            try:
                run(connection, f"SET LOCAL search_path = app, public; {text}")
            except psycopg2.Error:
                run(connection, "ROLLBACK TO SAVEPOINT before")
                continue
            expected_kinds.append(kind)
        found = compared(connection, of, made)
        connection.rollback()
    assert len(found) == len(expected_kinds)
