"""Kysely on the migrated course database: types, queries and the plans of a site with many rows."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

from tests.support import clients
from tests.support.workspace import Workspace
from tests.tools import seed

pytestmark = pytest.mark.database
TYPES = clients.FOLDER / "types" / "course.d.ts"
NOT_OURS = "(schema_migrations|schema_migrations_events|alembic_version)"

_ROWS = (
    "INSERT INTO categories (slug, name) VALUES ('databases', 'Databases')",
    "INSERT INTO instructors (user_id, display_name) VALUES ('user-1', 'Amina Okafor')",
    "INSERT INTO courses (slug, title, status, published_at, price_minor)"
    " VALUES ('sql-from-the-first-query', 'SQL', 'published', now(), 4900)",
    "INSERT INTO course_categories SELECT c.id, k.id FROM courses c, categories k",
    "INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses",
    "INSERT INTO lessons (section_id, title, position) SELECT id, 'B', 1 FROM sections",
)


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    """The packages are there, or the tests are skipped."""
    clients.install()


@pytest.fixture
def course(workspace: Workspace) -> Workspace:
    """The project's course migrations, all applied."""
    workspace.add_released("course")
    done = workspace.run("migrate", "--database", "course", "--quiet")
    assert done.returncode == 0, done.stderr
    return workspace


def test_the_committed_types_are_those_of_the_schema(course: Workspace, tmp_path: Path) -> None:
    made = tmp_path / "course.d.ts"
    arguments = ("--dialect", "postgres", "--out-file", str(made), "--exclude-pattern", NOT_OURS)
    done = clients.tool("kysely-codegen", *arguments, DATABASE_URL=course.urls["course"])
    assert done.returncode == 0, done.stderr
    assert TYPES.read_text() == made.read_text(), "stale: copy what kysely-codegen has made"


def test_the_queries_of_a_site_compile_and_a_wrong_column_does_not() -> None:
    done = clients.tool("tsc", "-p", ".")
    assert (done.returncode, done.stdout) == (0, "")
    options = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext")
    wrong = clients.tool("tsc", *options, "wrong.ts")
    assert wrong.returncode != 0
    assert "'\"price\"' is not assignable" in wrong.stdout
    assert "Argument of type '1' is not assignable" in wrong.stdout


def test_they_use_indexes_on_a_site_with_many_rows(course: Workspace) -> None:
    seed.fill("course", course.urls["course"], 1000)
    [(rows,)] = course.query(
        "SELECT (SELECT count(*) FROM lessons) + (SELECT count(*) FROM enrollments)"
    )
    assert rows >= 100_000
    found = clients.run("kysely.mjs", _built(), COURSE_DB_URL=course.urls["course"])
    assert found.pop("enrolments") == 1  # of three at once
    # The last coupon is granted to one of three, and its order costs half.
    assert found.pop("progress") == [{"user_id": "one", "seconds_watched": 90}]  # never "two"
    bought = found.pop("bought")
    assert bought == [
        {"total": "5900", "redeemed": True},
        {"total": "11800", "redeemed": False},
        {"total": "11800", "redeemed": False},
    ]
    counts = {name: one["rows"] for name, one in found.items()}
    assert counts == {
        "catalogue": 20,
        "newest": 20,
        "search": 1,
        "facets": 1,
        "contents": 20,
        "enrolled": 2,
        "dashboard": 2,
        "orders": 1,
    }
    large = re.compile(r"Seq Scan on (courses|sections|lessons|enrollments|orders|order_items)\b")
    read_whole = {name: large.findall(one["plan"]) for name, one in found.items()}
    assert {name: tables for name, tables in read_whole.items() if tables} == {}


def _built() -> str:
    """Compile the queries, and return what node runs."""
    emitted = clients.tool("tsc", "-p", ".", "--noEmit", "false", "--outDir", "build")
    assert emitted.returncode == 0, emitted.stdout
    return str(clients.FOLDER / "build" / "queries.js")


def test_the_application_before_meets_each_schema_up_and_down(course: Workspace) -> None:
    built = _built()
    versions = sorted(one.name[:3] for one in (course.root / "sql/course").glob("0*.sql"))
    versions = versions[versions.index("006") :]

    def asked(version: str) -> list[str]:
        url = course.urls["course"]
        return list(clients.run("kysely.mjs", built, version, COURSE_DB_URL=url))

    def run(*arguments: str) -> None:
        done = course.run(*arguments, "--database", "course", "--quiet")
        assert done.returncode == 0, done.stderr

    run("rollback", "--to", "006", "--yes")
    for statement in _ROWS:
        course.query(statement)
    going_up: dict[str, list[str]] = {}
    for before, after in pairwise(versions):
        run("migrate", "--to", after)
        going_up[before] = asked(before)
    assert asked(versions[-1])[-1] == "progress"
    for before in reversed(versions[:-1]):
        run("rollback", "--to", before, "--yes")
        assert asked(before) == going_up[before]
    assert len(going_up["006"]) == 6
    assert going_up["013"] == [*going_up["006"], "orders", "buy", "search", "facets"]


def test_every_table_has_a_key_and_every_column_says_what_it_is(course: Workspace) -> None:
    silent = course.query(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
        " AND NOT a.attisdropped AND c.relname !~ '^(schema_migrations|alembic_version)'"
        " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
    )
    assert silent == []


def test_the_words_of_a_course_are_found_as_its_language_has_them(course: Workspace) -> None:
    course.query(
        "INSERT INTO courses (slug, title, summary, language) VALUES"
        " ('en', 'Running databases', 'Indexes and locks', 'en'),"
        " ('de', 'Datenbanken', 'Wie man Tabellen baut', 'de'), ('pl', 'Bazy danych', '', 'pl')"
    )

    def found(configuration: str, words: str) -> list[str]:
        query = f"websearch_to_tsquery('{configuration}', '{words}')"
        rows = course.query(f"SELECT slug FROM courses WHERE search @@ {query} ORDER BY slug")
        return [slug for (slug,) in rows]

    assert found("english", "database index") == ["en"]
    assert found("german", "Datenbank Tabelle") == ["de"]
    assert found("simple", "bazy") == ["pl"]
    assert found("english", "nothing") == []


def test_an_update_that_changes_nothing_leaves_the_time_alone(course: Workspace) -> None:
    # courses and orders have generated columns, which a trigger does not see yet.
    course.query("INSERT INTO courses (slug, title) VALUES ('sql', 'SQL')")
    course.query("INSERT INTO orders (user_id, currency, subtotal_minor) VALUES ('one', 'EUR', 5)")
    for table, same, other in (
        ("courses", "title = 'SQL'", "title = 'More SQL'"),
        ("orders", "subtotal_minor = 5", "subtotal_minor = 6"),
    ):
        course.query(f"UPDATE {table} SET {same}")
        untouched = f"SELECT updated_at = created_at FROM {table}"
        assert course.query(untouched) == [(True,)], table
        course.query(f"UPDATE {table} SET {other}")
        assert course.query(untouched) == [(False,)], table


def test_learners_see_their_own_progress_only(course: Workspace) -> None:
    course.query("INSERT INTO courses (slug, title) VALUES ('sql', 'SQL')")
    course.query("INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses")
    course.query(
        "INSERT INTO lessons (section_id, title, position) SELECT id, 'B', 1 FROM sections"
    )
    course.query(
        "INSERT INTO lesson_progress (user_id, lesson_id)"
        " SELECT who, id FROM lessons, unnest('{one,two}'::text[]) who"
    )
    as_application = "SET ROLE upskill_course_app"
    seen = "SELECT user_id FROM lesson_progress"
    assert _together(course, as_application, seen) == []
    assert _together(course, as_application, "SET app.user_id = 'one'", seen) == [("one",)]
    other = "INSERT INTO lesson_progress (user_id, lesson_id) SELECT 'two', id + 1 FROM lessons"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        _together(course, as_application, "SET app.user_id = 'one'", other)


def _together(course: Workspace, *statements: str) -> list[tuple[object, ...]]:
    """Run statements in one session, and return the rows of the last one."""
    session = psycopg2.connect(course.urls["course"])
    try:
        cursor = session.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()
    finally:
        session.close()


def test_a_coupon_is_redeemed_as_often_as_it_may(course: Workspace) -> None:
    course.query("INSERT INTO coupons (code, percent_off, max_redemptions) VALUES ('TWO', 10, 2)")
    later = "now() + interval '1 day'"
    course.query(f"INSERT INTO coupons (code, percent_off, valid_from) VALUES ('SOON', 5, {later})")
    redeemed = [
        course.query(f"SELECT redeem_coupon('{code}')")[0][0]
        for code in (" two", "TWO", "two", "SOON", "unknown")
    ]
    assert [one is not None for one in redeemed] == [True, True, False, False, False]
    assert course.query("SELECT redemptions FROM coupons WHERE code = 'TWO'") == [(2,)]
