"""The course database as its application uses it: comments, search, times, coupons."""

from __future__ import annotations

import pytest

from tests.support.course import a_course, together
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_every_column_says_what_it_is(course: Workspace) -> None:
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


def test_titles_are_indexed_where_somebody_has_put_the_extension(workspace: Workspace) -> None:
    workspace.add_released("course")
    workspace.query("CREATE SCHEMA extensions")
    workspace.query("CREATE EXTENSION pg_trgm SCHEMA extensions")
    index = "SELECT indexdef ~ 'extensions.gin_trgm_ops' FROM pg_indexes WHERE indexname = '{}'"
    for _ in range(2):
        done = workspace.run("migrate", "--database", "course", "--quiet")
        assert done.returncode == 0, done.stderr
        assert workspace.query(index.format("courses_title_trgm_idx")) == [(True,)]
        # What uses it keeps it.
        workspace.query("CREATE TABLE IF NOT EXISTS other (t text)")
        workspace.query(
            "CREATE INDEX IF NOT EXISTS other_t_idx ON other USING gin (t extensions.gin_trgm_ops)"
        )
        back = workspace.run("rollback", "--database", "course", "--to", "25", "--yes")
        assert back.returncode == 0, back.stderr
        assert "pg_trgm stays: somebody else owns it, or uses it" in back.stdout + back.stderr


def test_completion_is_as_of_its_last_refresh(course: Workspace) -> None:
    a_course(course, "video", "video")
    seen = "SELECT learners, lessons_completed, active_learners FROM course_completion"
    course.query(
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at)"
        " SELECT who, id, CASE who WHEN 'one' THEN now() END"
        " FROM lessons, unnest('{one,two}'::text[]) who"
    )
    assert course.query(seen) == []
    course.query("REFRESH MATERIALIZED VIEW CONCURRENTLY course_completion")
    assert together(course, "SET ROLE upskill_course_app", seen) == [(2, 2, 2)]
