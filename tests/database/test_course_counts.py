"""Totals of the course database: triggers keep them, whatever happens at the same time."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest

from tests.support.course import a_course, together
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def _totals(course: Workspace) -> list[tuple[object, ...]]:
    return course.query("SELECT learners, reviews, stars FROM course_totals ORDER BY course_id")


def test_totals_follow_what_is_counted(course: Workspace) -> None:
    a_course(course)
    course.query(
        "INSERT INTO enrollments (user_id, course_id)"
        " SELECT 'user-' || n, id FROM courses, generate_series(1, 5) n"
    )
    assert _totals(course) == [(5, 0, 0)]
    course.query("UPDATE enrollments SET status = 'refunded' WHERE user_id = 'user-1'")
    course.query("DELETE FROM enrollments WHERE user_id = 'user-2'")
    course.query(
        "INSERT INTO reviews (course_id, user_id, stars)"
        " SELECT id, 'user-' || n, n FROM courses, generate_series(3, 5) n"
    )
    course.query("UPDATE reviews SET stars = 1 WHERE stars = 3")
    course.query("DELETE FROM reviews WHERE stars = 4")
    assert _totals(course) == [(3, 2, 6)]


def test_who_completes_a_course_does_not_wait_for_who_enrols(course: Workspace) -> None:
    a_course(course)
    enrol = "INSERT INTO enrollments (user_id, course_id) SELECT '{}', id FROM courses"
    course.query(enrol.format("one"))
    with closing(psycopg2.connect(course.urls["course"])) as newcomer:
        newcomer.cursor().execute(enrol.format("two"))
        done = "UPDATE enrollments SET status = 'completed', completed_at = now()"
        together(course, "SET lock_timeout = '2s'", f"{done} RETURNING 1", commit=True)
        newcomer.commit()
    assert _totals(course) == [(2, 0, 0)]


def test_a_course_goes_with_its_reviews_and_totals(course: Workspace) -> None:
    a_course(course)
    course.query("INSERT INTO reviews (course_id, user_id, stars) SELECT id, 'a', 5 FROM courses")
    course.query("DELETE FROM courses")
    assert course.query("SELECT FROM course_totals UNION ALL SELECT FROM reviews") == []


def test_the_application_counts_without_writing_totals(course: Workspace) -> None:
    a_course(course)
    enrolled = "INSERT INTO enrollments (user_id, course_id) SELECT 'one', id FROM courses"
    seen = "SELECT learners FROM course_totals"
    assert together(course, "SET ROLE upskill_course_app", enrolled, seen) == [(1,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        together(course, "SET ROLE upskill_course_app", "UPDATE course_totals SET learners = 9")


@pytest.mark.parametrize(
    ("change", "learners"),
    [
        ("INSERT INTO enrollments (user_id, course_id) SELECT 'two', id FROM courses", 2),
        ("UPDATE enrollments SET status = 'refunded'", 0),
        ("DELETE FROM enrollments", 0),
    ],
)
def test_what_changes_while_totals_are_filled_is_counted_once(
    course: Workspace, change: str, learners: int
) -> None:
    a_course(course)
    fill = (course.root / "sql/course/023_fill_course_totals.sql").read_text()
    course.query("INSERT INTO enrollments (user_id, course_id) SELECT 'one', id FROM courses")
    course.query("DELETE FROM course_totals")
    with closing(psycopg2.connect(course.urls["course"])) as learner:
        learner.cursor().execute(change)
        filling = threading.Thread(target=_committed, args=(course, fill))
        filling.start()
        # The learner's transaction holds the row that it counts in.
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        until(lambda: course.query(waits) == [(1,)], "the fill waits")
        learner.commit()
        filling.join()
    assert _totals(course) == [(learners, 0, 0)]


def test_truncating_leaves_no_count(course: Workspace) -> None:
    a_course(course)
    course.query("INSERT INTO enrollments (user_id, course_id) SELECT 'one', id FROM courses")
    course.query("INSERT INTO reviews (course_id, user_id, stars) SELECT id, 'one', 5 FROM courses")
    assert _totals(course) == [(1, 1, 5)]
    course.query("TRUNCATE reviews")
    course.query("TRUNCATE enrollments CASCADE")
    assert _totals(course) == [(0, 0, 0)]


def _committed(course: Workspace, text: str) -> None:
    """Run SQL that commits by itself."""
    with closing(psycopg2.connect(course.urls["course"])) as session:
        session.autocommit = True
        session.cursor().execute(text)
