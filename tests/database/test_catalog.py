"""Snapshots of a catalog: nothing that can be changed is missed; differences are shown as DDL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import ddl, diff, snapshot, versions
from scripts.catalog.diff import Difference
from scripts.catalog.snapshot import Snapshot
from scripts.embedded import binaries
from scripts.embedded.server import Server
from tests.support.catalogs import EVERYTHING, everything, forms
from tests.support.servers import debian_bin, own_server, required
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database


@pytest.fixture
def full(database: str, postgres: Server) -> Iterator[Connection]:
    """A database with one object of every class, as the superuser."""
    with everything(database, postgres) as connection:
        yield connection


def run(connection: Connection, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def said(difference: Difference) -> str:
    mark = "+" if difference.before is None else "-" if difference.after is None else "~"
    changed = f": {', '.join(difference.attributes)}" if difference.attributes else ""
    note = " (note)" if difference.is_note else ""
    return f"{mark} {difference.kind} {difference.name}{changed}{note}"


def shown(before: Snapshot, after: Snapshot) -> str:
    """Return the differences as people see them."""
    return "\n".join(line for one in diff.compare(before, after) for line in ddl.lines(one))


def test_each_of_229_changes_is_seen_as_what_it_is(full: Connection) -> None:
    before = snapshot.take(full)
    name = f'"{full.info.dbname}"'
    wrong = {}
    for statement, expected in forms():
        run(full, f"SET LOCAL search_path = app, public; {statement.replace('{database}', name)}")
        found = [said(one) for one in diff.compare(before, snapshot.take(full))]
        full.rollback()
        if full.server_version < 180000:
            # Before 18, NOT NULL is a mark of the column alone.
            expected = [line for line in expected if "not-null constraint" not in line]
        if found != expected:
            wrong[statement] = found
    assert wrong == {}
    assert len(forms()) == 229


def test_every_change_has_lines_of_ddl(full: Connection) -> None:
    before = snapshot.take(full)
    for statement, _ in forms():
        name = f'"{full.info.dbname}"'
        run(full, f"SET LOCAL search_path = app, public; {statement.replace('{database}', name)}")
        after = snapshot.take(full)
        for lines in (shown(before, after), shown(after, before)):
            assert re.search(r"^[-+] ", lines, re.MULTILINE), statement
            assert "None" not in lines, statement
        full.rollback()


def test_a_snapshot_leaves_the_session_as_it_was(full: Connection) -> None:
    names = ("search_path", "datestyle", "timezone", "extra_float_digits")
    run(full, "SET LOCAL datestyle = 'German'; SET LOCAL search_path = app")
    with full.cursor() as cursor:
        query = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
        cursor.execute(query)
        before = cursor.fetchone()
        first = snapshot.take(full)
        cursor.execute(query)
        assert cursor.fetchone() == before
    run(full, "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'Asia/Tokyo'")
    assert diff.compare(first, snapshot.take(full)) == []


def test_objects_that_nobody_asked_for_are_left_out(full: Connection) -> None:
    found = snapshot.take(full, lambda record: record.kind == "schema")
    assert {name for _, name in found.records} == {"app", "public", '"Odd schema"'}


def test_a_password_is_in_no_snapshot(full: Connection) -> None:
    assert "secret" not in repr(snapshot.take(full))


def test_a_new_table_is_shown_whole(full: Connection) -> None:
    before = snapshot.take(full)
    run(
        full,
        "CREATE TABLE app.shelves (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " room text DEFAULT 'hall' NOT NULL, height integer CHECK (height > 0));"
        "CREATE INDEX ON app.shelves (room); COMMENT ON TABLE app.shelves IS 'Of wood';"
        "GRANT SELECT, INSERT ON app.shelves TO somebody",
    )
    assert shown(before, snapshot.take(full)).splitlines() == [
        "+ CREATE TABLE app.shelves (",
        "+     id integer GENERATED ALWAYS AS IDENTITY NOT NULL,",
        "+     room text DEFAULT 'hall'::text NOT NULL,",
        "+     height integer,",
        "+     CONSTRAINT shelves_height_check CHECK ((height > 0)),",
        "+     CONSTRAINT shelves_pkey PRIMARY KEY (id)",
        "+ )",
        "+ COMMENT ON TABLE app.shelves IS 'Of wood'",
        "+ GRANT SELECT ON app.shelves TO PUBLIC",  # by ALTER DEFAULT PRIVILEGES
        "+ GRANT INSERT, SELECT ON app.shelves TO somebody",
        "+ CREATE INDEX shelves_room_idx ON app.shelves USING btree (room)",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "ALTER TABLE app.books ALTER pages SET NOT NULL, ALTER pages SET DEFAULT 3",
            [
                "+ ALTER TABLE app.books ALTER COLUMN pages SET NOT NULL",
                "+ ALTER TABLE app.books ALTER COLUMN pages SET DEFAULT 3",
            ],
        ),
        (
            "ALTER TABLE app.books ALTER tags TYPE varchar(9)[]",
            [
                "- ALTER TABLE app.books ALTER COLUMN tags TYPE text[]",
                "+ ALTER TABLE app.books ALTER COLUMN tags TYPE character varying(9)[]",
            ],
        ),
        (
            "REVOKE SELECT ON app.books FROM PUBLIC; GRANT INSERT ON app.books TO somebody",
            [
                "- GRANT SELECT ON app.books TO PUBLIC",
                "+ GRANT INSERT ON app.books TO somebody",
            ],
        ),
        (
            "ALTER TABLE app.books DISABLE TRIGGER books_touched",
            ["+ ALTER TRIGGER app.books.books_touched -- enabled disabled"],
        ),
        (
            "ALTER TABLE app.cache DROP COLUMN k, ADD COLUMN k text",
            ["- app.cache: k, v", "+ app.cache: v, k"],
        ),
    ],
    ids=["column", "type", "grants", "trigger", "order"],
)
def test_a_change_is_shown_as_what_was_and_what_is(
    full: Connection, change: str, expected: list[str]
) -> None:
    before = snapshot.take(full)
    run(full, change)
    assert shown(before, snapshot.take(full)).splitlines() == expected


def test_postgresql_15_and_18_differ_in_nothing_once_they_are_made_alike() -> None:
    debian = debian_bin()
    required("PostgreSQL of Debian", found=debian is not None)
    assert debian is not None
    taken = []
    for folder in (debian, binaries.find(None).folder):
        with own_server(folder) as server, closing(psycopg2.connect(server.url())) as connection:
            run(connection, EVERYTHING)
            taken.append(snapshot.take(connection))
    both = versions.alike(*taken)
    assert [said(one) for one in diff.compare(both.before, both.after)] == []
    assert both.not_compared == ()
    # A real difference is still one.
    key = ("table", "app.cache")
    less = {name: record for name, record in both.after.records.items() if name != key}
    found = diff.compare(both.before, both.after._replace(records=less))
    assert [said(one) for one in found] == ["- table app.cache"]


@pytest.mark.parametrize("environment", ["auth", "course"])
def test_this_projects_databases_are_the_same_on_postgresql_15_and_18(environment: str) -> None:
    debian = debian_bin()
    required("PostgreSQL of Debian", found=debian is not None)
    assert debian is not None
    taken = []
    for folder in (debian, binaries.find(None).folder):
        with own_server(folder) as server:
            subprocess.run(
                [sys.executable, "scripts/migrate.py", "--database", environment],
                cwd=REPOSITORY,
                env={**os.environ, f"{environment.upper()}_DB_URL": server.url()},
                capture_output=True,
                check=True,
            )
            with closing(psycopg2.connect(server.url())) as connection:
                taken.append(snapshot.take(connection))
    both = versions.alike(*taken)
    assert len(both.after.records) > 20
    assert diff.compare(both.before, both.after) == []
    assert both.not_compared == ()
