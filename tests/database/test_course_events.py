"""Events of the course database, and the partitions that a job makes for them."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest

from tests.support.course import a_course, together
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_a_month_without_a_partition_is_kept_and_moves_into_its_own(course: Workspace) -> None:
    a_course(course, "video")
    course.query(
        "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
        " SELECT at, 'one', id, 'opened' FROM lessons, unnest('{2026-11-30T23:59:59Z,"
        "2026-12-01T00:00:00Z,2026-12-31T23:59:59Z,2027-01-01T00:00:00Z}'::timestamptz[]) at"
    )
    where = "SELECT tableoid::regclass::text, count(*) FROM lesson_events GROUP BY 1 ORDER BY 1"
    assert course.query(where) == [("lesson_events_default", 4)]
    made = "SELECT make_lesson_events_partition('2026-12-24')"
    # Months are those of UTC, wherever the session is.
    assert together(course, "SET timezone = 'Pacific/Auckland'", made, commit=True) == [
        ("lesson_events_2026_12",)
    ]
    assert course.query(made) == [("lesson_events_2026_12",)]
    assert course.query(where) == [("lesson_events_2026_12", 2), ("lesson_events_default", 2)]
    as_one = ("SET ROLE upskill_course_app", "SET app.user_id = 'two'")
    assert together(course, *as_one, "SELECT FROM lesson_events") == []
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        together(course, *as_one, made)
    # Whatever is granted on a partition, by default or by mistake, shows nobody's events.
    partition = "SELECT FROM lesson_events_2026_12"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        together(course, *as_one, partition)
    course.query("GRANT SELECT ON lesson_events_2026_12 TO upskill_course_app")
    assert together(course, *as_one, partition) == []


def test_the_job_makes_this_month_the_next_one_and_those_that_were_missed(
    course: Workspace,
) -> None:
    a_course(course, "video")
    course.query(
        "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
        " SELECT at, 'one', id, 'opened' FROM lessons, unnest(ARRAY['2026-01-15', now()]) at"
    )
    expected = course.query(
        "SELECT format('lesson_events_%s', to_char(month, 'YYYY_MM')) FROM unnest(ARRAY["
        "'2026-01-01', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' + interval '1 month'"
        "]) month"
    )
    job = "SELECT make_lesson_events_partitions()"
    assert course.query(job) == expected
    assert course.query("SELECT FROM lesson_events_default") == []
    assert course.query(job) == expected[1:]


def test_an_event_that_is_being_written_moves_too(course: Workspace) -> None:
    a_course(course, "video")
    event = (
        "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
        " SELECT '2026-12-05', 'one', id, 'opened' FROM lessons"
    )
    made = "SELECT make_lesson_events_partition('2026-12-01')"
    with closing(psycopg2.connect(course.urls["course"])) as learner:
        learner.cursor().execute(event)
        # It gives way to who writes, and the job calls it again.
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            course.query(made)
        learner.commit()
    assert course.query(made) == [("lesson_events_2026_12",)]
    assert course.query("SELECT count(*) FROM lesson_events_2026_12") == [(1,)]


def test_a_clock_that_is_wrong_by_centuries_is_refused(course: Workspace) -> None:
    a_course(course, "video")
    for when in ("1970-01-01", "infinity", "0044-03-15 BC"):
        with pytest.raises(psycopg2.errors.CheckViolation, match="happened_at_check"):
            course.query(
                "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
                f" SELECT '{when}', 'one', id, 'opened' FROM lessons"
            )


def test_a_table_in_the_way_of_one_month_does_not_hold_up_the_others(course: Workspace) -> None:
    a_course(course, "video")
    course.query("CREATE TABLE lesson_events_2020_05 (id int)")
    course.query(
        "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
        " SELECT at, 'one', id, 'opened' FROM lessons,"
        " unnest('{2020-05-01 12:00,2020-06-01 12:00}'::timestamptz[]) at"
    )
    made = [name for (name,) in course.query("SELECT make_lesson_events_partitions()")]
    assert made[0] == "lesson_events_2020_06"
    assert len(made) == 3
    left = course.query("SELECT happened_at < '2020-06-01' FROM lesson_events_default")
    assert left == [(True,)]
