"""A probe reads again what has changed since, and gives what a whole snapshot gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import marks, queries, snapshot
from scripts.catalog.probe import Probe
from scripts.embedded.server import Server
from tests.support import catalogs
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database


@pytest.fixture
def full(database: str, postgres: Server) -> Iterator[Connection]:
    """A database with one object of every class, as the superuser."""
    with catalogs.everything(database, postgres) as connection:
        yield connection


@pytest.fixture
def plain(database: str) -> Iterator[Connection]:
    """An empty database."""
    with closing(psycopg2.connect(database)) as connection:
        yield connection


@pytest.fixture
def admin(database: str, postgres: Server) -> Iterator[Connection]:
    """An empty database, as the superuser."""
    name = psycopg2.extensions.parse_dsn(database)["dbname"]
    with closing(psycopg2.connect(postgres.url(name))) as connection:
        yield connection


def run(connection: Connection, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def changes(connection: Connection) -> list[str]:
    name = f'"{connection.info.dbname}"'
    return [
        f"SET LOCAL search_path = app, public; {statement.replace('{database}', name)}"
        for statement, _ in catalogs.forms()
    ]


def unlike(probe: Probe, connection: Connection) -> set[str]:
    """Return the names of objects that a probe has otherwise than a whole snapshot."""
    found, whole = probe.take().records, snapshot.take(connection).records
    return {
        " ".join(key) for key in found.keys() | whole.keys() if found.get(key) != whole.get(key)
    }


def test_each_of_229_changes_and_its_rollback_is_seen(full: Connection) -> None:
    probe, wrong = Probe(full, lambda _: True), {}
    for change in changes(full):
        probe.take()
        run(full, change)
        seen = unlike(probe, full)
        full.rollback()
        wrong[change] = seen | unlike(probe, full)
    assert {change: seen for change, seen in wrong.items() if seen} == {}
    assert len(wrong) == 229


def test_one_change_on_top_of_the_other_is_seen(full: Connection) -> None:
    probe, made = Probe(full, lambda _: True), 0
    for change in changes(full):
        run(full, "SAVEPOINT before")
        try:
            run(full, change)
        except psycopg2.Error:
            # What one has dropped, another would have changed.
            run(full, "ROLLBACK TO SAVEPOINT before")
            continue
        made += 1
        assert unlike(probe, full) == set(), change
    assert made > 140


_TEXTS = """
CREATE TABLE a (id int PRIMARY KEY, name text);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, more text);
CREATE VIEW v AS SELECT * FROM a JOIN b USING (id);
CREATE VIEW over AS SELECT name FROM v;
CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM a JOIN b USING (id); END;
CREATE POLICY p ON b USING (EXISTS (SELECT FROM a WHERE a.id = b.a));
CREATE RULE r AS ON INSERT TO b DO ALSO UPDATE a SET name = new.more WHERE id = new.a;
"""


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE a ADD COLUMN more text",
        "ALTER TABLE b ADD COLUMN name text",
        "ALTER TABLE a RENAME COLUMN name TO title",
        "ALTER TABLE a RENAME TO c",
        "ALTER TABLE b DROP COLUMN a CASCADE",
        "ALTER VIEW v RENAME TO w",
        "DROP TABLE b CASCADE; CREATE TABLE b (id int)",
        "DROP TABLE b CASCADE; CREATE VIEW b AS SELECT 1 AS id",
        "CREATE SCHEMA s; ALTER TABLE a SET SCHEMA s",
        "ALTER SCHEMA public RENAME TO other",
        "ALTER FUNCTION f() RENAME TO g",
    ],
)
def test_texts_that_depend_on_other_objects_are_read_again(plain: Connection, change: str) -> None:
    run(plain, _TEXTS)
    probe = Probe(plain, lambda _: True)
    probe.take()
    run(plain, change)
    assert unlike(probe, plain) == set()


def takeovers() -> dict[str, list[str]]:
    """Return what is there first, and the change, by what it is about."""
    blocks = (REPOSITORY / "tests/data/catalog/takeovers.sql").read_text().split("\n\n")[1:]
    parted = (block.partition("\n") for block in blocks)
    return {head.removeprefix("-- "): body.split("\n--\n") for head, _, body in parted}


@pytest.mark.parametrize("name", takeovers())
def test_a_name_that_another_object_takes_over_is_seen(admin: Connection, name: str) -> None:
    setup, change = takeovers()[name]
    run(admin, setup)
    probe = Probe(admin, lambda _: True)
    before = probe.take()
    run(admin, "SAVEPOINT before")
    run(admin, change)
    assert unlike(probe, admin) == set()
    assert probe.take().records != before.records
    run(admin, "ROLLBACK TO SAVEPOINT before")
    assert unlike(probe, admin) == set()


def test_what_was_rolled_back_is_not_remembered(plain: Connection) -> None:
    run(plain, "CREATE TABLE kept (id int)")
    plain.commit()
    probe = Probe(plain, lambda _: True)
    run(plain, "ALTER TABLE kept ADD COLUMN gone int")
    assert ("column", "public.kept.gone") in probe.take().records
    plain.rollback()
    assert ("column", "public.kept.gone") not in probe.take().records
    run(plain, "DROP TABLE kept")
    assert unlike(probe, plain) == set()


def test_only_what_changed_is_read_again(plain: Connection) -> None:
    run(plain, "CREATE TABLE one (id int); CREATE TABLE two (id int)")
    probe = Probe(plain, lambda _: True)
    before = probe.take().records
    run(plain, "ALTER TABLE two ADD COLUMN more int")
    after = probe.take().records
    assert after["table", "public.one"] is before["table", "public.one"]
    assert after["column", "public.two.id"] is not before["column", "public.two.id"]


def test_it_needs_no_privileges(plain: Connection, postgres: Server) -> None:
    run(plain, "CREATE TABLE one (id int)")
    plain.commit()
    name = plain.info.dbname
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        run(admin, "DROP ROLE IF EXISTS looker; CREATE ROLE looker")
        run(admin, "SET ROLE looker")
        probe = Probe(admin, lambda _: True)
        assert ("table", "public.one") in probe.take().records
        admin.rollback()


def test_prepared_queries_that_are_gone_are_prepared_again(plain: Connection) -> None:
    probe = Probe(plain, lambda _: True)
    probe.take()
    run(plain, "DEALLOCATE ALL; CREATE TABLE one (id int)")
    assert ("table", "public.one") in probe.take().records


def test_every_catalog_that_is_read_has_marks() -> None:
    read = {
        catalog for query in queries.every().values() for catalog in catalogs.catalogs_read(query)
    }
    assert read - catalogs.catalogs_read(marks.query()) == {"pg_identify_object"}  # a function
