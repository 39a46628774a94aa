"""The project's own migrations: idempotent, reversible, and what BetterAuth wants."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.embedded.server import Server
from scripts.files import history, migration_file, project
from scripts.files.history import Entry
from scripts.files.migration_file import Section
from scripts.sqltext import statements
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database
PROJECT = project.load(REPOSITORY / "alembic.ini")
MIGRATIONS = [
    pytest.param(environment.name, entry, id=f"{environment.name}-{entry.version}")
    for environment in PROJECT.environments
    for entry in history.read(environment).entries
]


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A connection to an empty database, each statement its own transaction."""
    with closing(psycopg2.connect(database)) as opened:
        opened.autocommit = True
        yield opened


def _run(connection: Connection, section: Section) -> None:
    with connection.cursor() as cursor:
        for statement in section.statements:
            cursor.execute(statement.text)


def _before(connection: Connection, environment: str, entry: Entry) -> None:
    for earlier in history.read(PROJECT.environment(environment)).entries:
        if earlier.number < entry.number:
            _run(connection, migration_file.read(earlier.path).up)


def _schema(postgres: Server, url: str) -> list[str]:
    dumped = subprocess.run(
        [postgres.bin / "pg_dump", "--schema-only", "--dbname", url],
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        line
        for line in dumped.stdout.splitlines()
        if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
    ]


ROWS_ALONE = {"014_fill_roles", "023_fill_course_totals"}
"""Files that change no schema."""


@pytest.mark.parametrize(("environment", "entry"), MIGRATIONS)
def test_up_and_down_are_idempotent_and_down_restores_the_schema(
    postgres: Server, database: str, connection: Connection, environment: str, entry: Entry
) -> None:
    file = migration_file.read(entry.path)
    _before(connection, environment, entry)
    before = _schema(postgres, database)
    _run(connection, file.up)
    after = _schema(postgres, database)
    assert (after != before) is (entry.stem not in ROWS_ALONE)
    _run(connection, file.up)
    assert _schema(postgres, database) == after
    _run(connection, file.down)
    assert _schema(postgres, database) == before
    _run(connection, file.down)
    assert _schema(postgres, database) == before
    _run(connection, file.up)
    assert _schema(postgres, database) == after


ROWS = Path(__file__).parents[1] / "data/rows"
_WRITES = re.compile(
    r"\b(INSERT\s+INTO|(?<!ON )UPDATE|DELETE\s+FROM|MERGE|TRUNCATE|TYPE\s+\S+\s+USING"
    r"|GENERATED\s+ALWAYS\s+AS(?!\s+IDENTITY))\b",
    re.IGNORECASE,
)
_MAY_WRITE = ("DO", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "ALTER")


def _rows_of(environment: str, entry: Entry) -> Path:
    return ROWS / environment / f"{entry.version}.sql"


def _parts(path: Path) -> dict[str, str]:
    """Read the rows that a migration meets, and the queries that find what is wrong afterwards."""
    names = "BEFORE [0-9]+|WRONG AFTER UP|MEANWHILE|WRONG AFTER DOWN|WRONG AFTER UP AGAIN"
    _, *parts = re.split(rf"^-- ({names})$", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


CHANGES = [
    pytest.param(path.parent.name, path.stem, id=f"{path.parent.name}-{path.stem}")
    for path in sorted(ROWS.glob("*/*.sql"))
]


@pytest.mark.parametrize(("environment", "version"), CHANGES)
def test_rows_are_as_they_should_be_after_up_down_and_up_again(
    connection: Connection, environment: str, version: str
) -> None:
    parts = _parts(ROWS / environment / f"{version}.sql")
    with connection.cursor() as cursor:

        def found(query: str) -> list[tuple[object, ...]]:
            cursor.execute(query)
            return cursor.fetchall()

        entries = history.read(PROJECT.environment(environment)).entries
        until = [entry for entry in entries if entry.version <= version]
        file = migration_file.read(until[-1].path)
        for entry in until:
            rows = parts.get(f"BEFORE {entry.version}")
            if rows:
                cursor.execute(rows)
            _run(connection, migration_file.read(entry.path).up)
        assert found(parts["WRONG AFTER UP"]) == []
        if "MEANWHILE" in parts:
            cursor.execute(parts["MEANWHILE"])
        _run(connection, file.down)
        assert found(parts["WRONG AFTER DOWN"]) == []
        _run(connection, file.up)
        assert found(parts.get("WRONG AFTER UP AGAIN") or parts["WRONG AFTER UP"]) == []


@pytest.mark.parametrize(("environment", "entry"), MIGRATIONS)
def test_a_migration_that_changes_rows_is_tried_on_rows(environment: str, entry: Entry) -> None:
    file = migration_file.read(entry.path)
    changes = [
        statement.text
        for section in (file.up, file.down)
        for statement in section.statements
        if statement.command in _MAY_WRITE and _WRITES.search(statement.text)
    ]
    assert _rows_of(environment, entry).exists() or changes == []


def test_auth_001_makes_exactly_what_betterauths_own_migrator_makes(
    postgres: Server, database: str, connection: Connection
) -> None:
    reference = (Path(__file__).parents[1] / "data/betterauth/auth_core.sql").read_text()
    [entry, *_] = history.read(PROJECT.environment("auth")).entries
    _run(connection, migration_file.read(entry.path).up)
    ours = "\n".join(_schema(postgres, database))
    assert _statements(ours) >= _statements(reference)
    extra = _statements(ours) - _statements(reference)
    assert {statement.split()[0] for statement in extra} <= {"COMMENT", "SET", "SELECT", "ALTER"}
    assert all("OWNER TO" in statement for statement in extra if statement.startswith("ALTER"))


def _statements(dump: str) -> set[str]:
    text = re.sub(r"^--.*$", "", dump, flags=re.MULTILINE)
    return {" ".join(statement.text.split()) for statement in statements.split(text)}


@pytest.mark.parametrize("environment", [one.name for one in PROJECT.environments])
def test_every_table_has_a_primary_key_a_comment_and_indexed_foreign_keys(
    connection: Connection, environment: str
) -> None:
    for entry in history.read(PROJECT.environment(environment)).entries:
        _run(connection, migration_file.read(entry.path).up)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p')"
            " AND c.relnamespace = 'public'::regnamespace AND (obj_description(c.oid) IS NULL"
            " OR NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid"
            "  AND k.contype = 'p'))"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND NOT EXISTS ("
            " SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL"
            " AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
        )
        assert cursor.fetchall() == []


def test_two_sections_can_change_places_in_one_transaction(connection: Connection) -> None:
    for entry in history.read(PROJECT.environment("course")).entries:
        _run(connection, migration_file.read(entry.path).up)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO courses (slug, title) VALUES ('a', 'A');"
            "INSERT INTO sections (course_id, title, position)"
            " SELECT id, 'first', 1 FROM courses UNION ALL SELECT id, 'second', 2 FROM courses"
        )
        cursor.execute("UPDATE sections SET position = 3 - position")
        cursor.execute("SELECT title FROM sections ORDER BY position")
        assert cursor.fetchall() == [("second",), ("first",)]


def test_updated_at_follows_a_change_and_not_an_idle_update(connection: Connection) -> None:
    for entry in history.read(PROJECT.environment("course")).entries:
        _run(connection, migration_file.read(entry.path).up)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO courses (slug, title, updated_at) VALUES ('a', 'A', '2020-01-01')"
        )
        cursor.execute("UPDATE courses SET title = title")
        cursor.execute("SELECT updated_at < '2021-01-01' FROM courses")
        assert cursor.fetchone() == (True,)
        cursor.execute("UPDATE courses SET title = 'B'")
        cursor.execute("SELECT updated_at > now() - interval '1 minute' FROM courses")
        assert cursor.fetchone() == (True,)
