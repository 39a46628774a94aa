"""Kysely on the migrated course database: types, queries and the plans of a site with many rows."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

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
    one_right = {"user_id": "one", "points": 2, "passed": True, "answers": "2"}
    all_right = {"user_id": "one", "points": 3, "passed": True, "answers": "2"}
    assert found.pop("attempts") == [one_right, all_right]  # never those of "two"
    assert found.pop("events") == [{"user_id": "one", "kind": "played"}]
    assert found.pop("refunds") == [{"reason": "course_withdrawn", "amount_minor": "10800"}]
    counts = {name: one["rows"] for name, one in found.items()}
    assert counts == {
        "catalogue": 20,
        "newest": 20,
        "search": 1,
        "facets": 1,
        "contents": 21,
        "enrolled": 2,
        "dashboard": 2,
        "orders": 1,
        "certificate": 1,
        "live": 20,
        "shown": 1,
        "titled": 20,
    }
    large = re.compile(r"Seq Scan on (?!categories|course_categories|instructors)\w+")
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
    assert asked(versions[-1])[-1] == "titled"
    for before in reversed(versions[:-1]):
        run("rollback", "--to", before, "--yes")
        assert asked(before) == going_up[before]
    assert len(going_up["006"]) == 6
    assert going_up["013"] == [*going_up["006"], "orders", "buy", "search", "facets"]
