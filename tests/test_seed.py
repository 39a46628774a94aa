"""make seed: a small site to develop with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.workspace import REPOSITORY, Workspace
from tests.tools import seed

pytestmark = pytest.mark.database


@pytest.fixture
def migrated(workspace: Workspace) -> Workspace:
    """The project's migrations, all applied, in both databases."""
    workspace.add_released("auth", "course")
    done = workspace.run("migrate", "--quiet")
    assert done.returncode == 0, done.stderr
    return workspace


def _counts(workspace: Workspace, *tables: str) -> dict[str, object]:
    return {one: workspace.query(f"SELECT count(*) FROM {one}")[0][0] for one in tables}


def test_it_fills_both_databases_with_a_small_site(migrated: Workspace) -> None:
    for environment, url in migrated.urls.items():
        seed.fill(environment, url, 1)
    assert _counts(migrated, "courses", "sections", "lessons", "enrollments", "reviews") == {
        "courses": 5,
        "sections": 20,
        "lessons": 101,
        "enrollments": 24,
        "reviews": 8,
    }
    unpaid = "SELECT count(*) FROM orders o JOIN payments p ON p.order_id = o.id"
    assert migrated.query(f"{unpaid} WHERE p.amount_minor <> o.total_minor") == [(0,)]
    wrong = (
        "SELECT o.id FROM orders o JOIN order_items i ON i.order_id = o.id"
        " GROUP BY o.id HAVING sum(i.price_minor) <> o.subtotal_minor"
    )
    assert migrated.query(wrong) == []
    certified = (
        "SELECT count(*), count(*) FILTER (WHERE a.passed) FROM certificates c"
        " JOIN enrollments e ON e.id = c.enrollment_id"
        " JOIN sections s ON s.course_id = e.course_id JOIN lessons l ON l.section_id = s.id"
        " JOIN quizzes q ON q.lesson_id = l.id"
        " LEFT JOIN quiz_attempts a ON a.quiz_id = q.id AND a.user_id = e.user_id"
    )
    assert migrated.query(certified) == [(4, 4)]
    people = migrated.query('SELECT id FROM "user"', environment="auth")
    learners = migrated.query("SELECT DISTINCT user_id FROM enrollments")
    assert len(people) == 12
    assert set(learners) <= set(people)


def test_the_command_fills_what_is_empty_and_names_what_is_not(migrated: Workspace) -> None:
    migrated.query(
        'INSERT INTO "user" (id, name, email, "emailVerified")'
        " VALUES ('me', 'Me', 'me@example.com', true)",
        environment="auth",
    )
    program = (sys.executable, str(REPOSITORY / "tests/tools/seed.py"))
    done = subprocess.run(
        program,
        env={**os.environ, **migrated.settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "error: auth has rows already; they were left alone\n",
    )
    assert done.stdout.startswith("course: filled, on ")
    assert _counts(migrated, "courses") == {"courses": 5}


def test_what_is_there_already_is_left_alone(migrated: Workspace) -> None:
    url = migrated.urls["course"]
    migrated.query("INSERT INTO courses (slug, title) VALUES ('mine', 'Mine')")
    with pytest.raises(ValueError, match="course has rows already"):
        seed.fill("course", url, 1)
    assert migrated.query("SELECT slug FROM courses") == [("mine",)]


def test_a_database_that_is_not_migrated_is_named(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="course is not migrated: make migrate"):
        seed.fill("course", workspace.urls["course"], 1)
