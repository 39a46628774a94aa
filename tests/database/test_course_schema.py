"""The course database as its application and its jobs use it: policies, counts, partitions."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def course(workspace: Workspace) -> Workspace:
    """The project's course migrations, all applied."""
    workspace.add_released("course")
    done = workspace.run("migrate", "--database", "course", "--quiet")
    assert done.returncode == 0, done.stderr
    return workspace


def test_every_table_has_a_key_and_every_column_says_what_it_is(course: Workspace) -> None:
    silent = course.query(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
        " AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped"
        " AND c.relname !~ '^(schema_migrations|alembic_version)'"
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


def _together(
    course: Workspace, *statements: str, commit: bool = False
) -> list[tuple[object, ...]]:
    """Run statements in one session, and return the rows of the last one."""
    with closing(psycopg2.connect(course.urls["course"])) as session:
        cursor = session.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall()
        if commit:
            session.commit()
        return rows


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


def _a_course(course: Workspace, *kinds: str) -> None:
    """Make a course with lessons of these kinds."""
    course.query("INSERT INTO courses (slug, title) VALUES ('sql', 'SQL')")
    course.query("INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses")
    for position, kind in enumerate(kinds, start=1):
        course.query(
            "INSERT INTO lessons (section_id, title, kind, position)"
            f" SELECT id, 'B', '{kind}', {position} FROM sections"
        )


def _totals(course: Workspace) -> list[tuple[object, ...]]:
    return course.query("SELECT learners, reviews, stars FROM course_totals ORDER BY course_id")


def test_totals_follow_what_is_counted(course: Workspace) -> None:
    _a_course(course)
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


def test_completion_is_as_of_its_last_refresh(course: Workspace) -> None:
    _a_course(course, "video", "video")
    seen = "SELECT learners, lessons_completed, active_learners FROM course_completion"
    assert course.query(seen) == []
    course.query(
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at)"
        " SELECT who, id, CASE who WHEN 'one' THEN now() END"
        " FROM lessons, unnest('{one,two}'::text[]) who"
    )
    refresh = "SELECT refresh_course_completion()"
    assert _together(course, "SET ROLE upskill_course_app", refresh, seen) == [(2, 2, 2)]


def test_a_course_goes_with_its_reviews_and_totals(course: Workspace) -> None:
    _a_course(course)
    course.query("INSERT INTO reviews (course_id, user_id, stars) SELECT id, 'a', 5 FROM courses")
    course.query("DELETE FROM courses")
    assert course.query("SELECT FROM course_totals UNION ALL SELECT FROM reviews") == []


def test_the_application_counts_without_writing_totals(course: Workspace) -> None:
    _a_course(course)
    enrolled = "INSERT INTO enrollments (user_id, course_id) SELECT 'one', id FROM courses"
    seen = "SELECT learners FROM course_totals"
    assert _together(course, "SET ROLE upskill_course_app", enrolled, seen) == [(1,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _together(course, "SET ROLE upskill_course_app", "UPDATE course_totals SET learners = 9")


def test_whoever_enrols_while_totals_are_filled_is_counted_once(course: Workspace) -> None:
    _a_course(course)
    fill = (course.root / "sql/course/023_fill_course_totals.sql").read_text()
    enrol = "INSERT INTO enrollments (user_id, course_id) SELECT '{}', id FROM courses"
    course.query(enrol.format("before"))
    course.query("DELETE FROM course_totals")
    with closing(psycopg2.connect(course.urls["course"])) as learner:
        learner.cursor().execute(enrol.format("meanwhile"))
        with closing(psycopg2.connect(course.urls["course"])) as filler:
            filler.autocommit = True
            filler.cursor().execute("SET lock_timeout = '200ms'")
            # The learner's transaction holds the row that it counts in.
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                filler.cursor().execute(fill)
            learner.commit()
            filler.cursor().execute(fill)
    assert _totals(course) == [(2, 0, 0)]


def test_an_answer_is_an_option_of_its_question_and_of_an_own_attempt(course: Workspace) -> None:
    _a_course(course, "quiz")
    course.query("INSERT INTO quizzes (lesson_id) SELECT id FROM lessons")
    course.query(
        "INSERT INTO quiz_questions (quiz_id, position, prompt)"
        " SELECT id, n, 'Why?' FROM quizzes, generate_series(1, 2) n"
    )
    course.query(
        "INSERT INTO quiz_options (question_id, position, label)"
        " SELECT id, 1, 'Because' FROM quiz_questions"
    )
    as_one = ("SET ROLE upskill_course_app", "SET app.user_id = 'one'")
    start = "INSERT INTO quiz_attempts (quiz_id, user_id) SELECT id, '{}' FROM quizzes"
    course.query(start.format("one"))
    course.query(start.format("two"))
    answer = (
        "INSERT INTO quiz_answers (attempt_id, question_id, option_id)"
        " SELECT a.id, q.id, o.id FROM quiz_attempts a, quiz_questions q, quiz_options o WHERE "
    )
    assert _together(course, *as_one, "SELECT user_id FROM quiz_attempts") == [("one",)]
    right = f"{answer} o.question_id = q.id RETURNING 1"
    assert _together(course, *as_one, right) == [(1,), (1,)]
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        _together(course, *as_one, f"{answer} o.question_id <> q.id")
    theirs = (
        "INSERT INTO quiz_answers (attempt_id, question_id, option_id)"
        " SELECT (SELECT max(id) FROM quiz_attempts) + 1, question_id, id FROM quiz_options"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        _together(course, *as_one, theirs)
    with pytest.raises(psycopg2.errors.UniqueViolation, match="quiz_attempts_open_key"):
        course.query(start.format("one"))


def test_a_certificate_is_valid_once_and_stays(course: Workspace) -> None:
    _a_course(course)
    course.query("INSERT INTO enrollments (user_id, course_id) SELECT 'one', id FROM courses")
    issue = (
        "INSERT INTO certificates (enrollment_id, code, holder_name)"
        " SELECT id, 'AAAA-0000-0000-000{}', 'One' FROM enrollments"
    )
    course.query(issue.format(1))
    with pytest.raises(psycopg2.errors.UniqueViolation, match="certificates_valid_key"):
        course.query(issue.format(2))
    with pytest.raises(psycopg2.errors.CheckViolation, match="certificates_revoked_check"):
        course.query("UPDATE certificates SET revoked_at = now()")
    course.query("UPDATE certificates SET revoked_at = now(), revoked_because = 'a typing error'")
    course.query(issue.format(2))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _together(course, "SET ROLE upskill_course_app", "DELETE FROM certificates")


def test_a_month_without_a_partition_is_kept_and_moves_into_its_own(course: Workspace) -> None:
    _a_course(course, "video")
    course.query(
        "INSERT INTO lesson_events (happened_at, user_id, lesson_id, kind)"
        " SELECT at, 'one', id, 'opened' FROM lessons, unnest('{2026-11-30T23:59:59Z,"
        "2026-12-01T00:00:00Z,2026-12-31T23:59:59Z,2027-01-01T00:00:00Z}'::timestamptz[]) at"
    )
    where = "SELECT tableoid::regclass::text, count(*) FROM lesson_events GROUP BY 1 ORDER BY 1"
    assert course.query(where) == [("lesson_events_default", 4)]
    made = "SELECT make_lesson_events_partition('2026-12-24')"
    # Months are those of UTC, wherever the session is.
    assert _together(course, "SET timezone = 'Pacific/Auckland'", made, commit=True) == [
        ("lesson_events_2026_12",)
    ]
    assert course.query(made) == [("lesson_events_2026_12",)]
    assert course.query(where) == [("lesson_events_2026_12", 2), ("lesson_events_default", 2)]
    as_one = ("SET ROLE upskill_course_app", "SET app.user_id = 'two'")
    assert _together(course, *as_one, "SELECT FROM lesson_events") == []
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _together(course, *as_one, "SELECT FROM lesson_events_2026_12")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _together(course, *as_one, made)


def test_next_months_partition_is_the_one_that_is_made(course: Workspace) -> None:
    expected = course.query(
        "SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month',"
        " '\"lesson_events_\"YYYY_MM')"
    )
    assert course.query("SELECT make_lesson_events_partition()") == expected
