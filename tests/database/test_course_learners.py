"""What learners of the course database see and may write: their own."""

from __future__ import annotations

import psycopg2
import psycopg2.errors
import pytest

from tests.support.course import a_course, together
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_learners_see_their_own_progress_only(course: Workspace) -> None:
    a_course(course, "video")
    course.query(
        "INSERT INTO lesson_progress (user_id, lesson_id)"
        " SELECT who, id FROM lessons, unnest('{one,two}'::text[]) who"
    )
    as_application = "SET ROLE upskill_course_app"
    seen = "SELECT user_id FROM lesson_progress"
    assert together(course, as_application, seen) == []
    assert together(course, as_application, "SET app.user_id = 'one'", seen) == [("one",)]
    other = "INSERT INTO lesson_progress (user_id, lesson_id) SELECT 'two', id + 1 FROM lessons"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        together(course, as_application, "SET app.user_id = 'one'", other)


def test_an_answer_is_of_its_question_its_quiz_and_an_own_attempt(course: Workspace) -> None:
    a_course(course, "quiz", "quiz")
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
    start = "INSERT INTO quiz_attempts (quiz_id, user_id) SELECT min(id), '{}' FROM quizzes"
    course.query(start.format("one"))
    course.query(start.format("two"))
    answer = (
        "INSERT INTO quiz_answers (attempt_id, quiz_id, question_id, option_id)"
        " SELECT a.id, q.quiz_id, q.id, o.id"
        " FROM quiz_attempts a, quiz_questions q, quiz_options o WHERE "
    )
    assert together(course, *as_one, "SELECT user_id FROM quiz_attempts") == [("one",)]
    right = f"{answer} a.quiz_id = q.quiz_id AND o.question_id = q.id RETURNING 1"
    assert together(course, *as_one, right) == [(1,), (1,)]
    for wrong in (
        "a.quiz_id = q.quiz_id AND o.question_id <> q.id",
        "a.quiz_id <> q.quiz_id AND o.question_id = q.id",
    ):
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            together(course, *as_one, answer + wrong)
    theirs = (
        "INSERT INTO quiz_answers (attempt_id, quiz_id, question_id, option_id)"
        " SELECT (SELECT max(id) FROM quiz_attempts) + 1, quiz_id, q.id, o.id"
        " FROM quiz_questions q JOIN quiz_options o ON o.question_id = q.id"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        together(course, *as_one, theirs)
    with pytest.raises(psycopg2.errors.UniqueViolation, match="quiz_attempts_open_key"):
        course.query(start.format("one"))


def test_a_certificate_is_valid_once_and_stays(course: Workspace) -> None:
    a_course(course)
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
        together(course, "SET ROLE upskill_course_app", "DELETE FROM certificates")


def test_an_empty_user_is_nobody(course: Workspace) -> None:
    a_course(course, "video")
    # As a session is after a transaction that had a user.
    nobody = ("SET ROLE upskill_course_app", "SET app.user_id = ''")
    for row in (
        "INSERT INTO lesson_progress (user_id, lesson_id) SELECT '', id FROM lessons",
        "INSERT INTO lesson_events (user_id, lesson_id, kind) SELECT '', id, 'opened' FROM lessons",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
            together(course, *nobody, row)
