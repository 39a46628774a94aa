"""The course database: what its tests put into it, and how the application talks to it."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from tests.support.workspace import Workspace


def a_course(course: Workspace, *kinds: str) -> None:
    """Make a course with lessons of these kinds."""
    course.query("INSERT INTO courses (slug, title) VALUES ('sql', 'SQL')")
    course.query("INSERT INTO sections (course_id, title, position) SELECT id, 'A', 1 FROM courses")
    for position, kind in enumerate(kinds, start=1):
        course.query(
            "INSERT INTO lessons (section_id, title, kind, position)"
            f" SELECT id, 'B', '{kind}', {position} FROM sections"
        )


def together(course: Workspace, *statements: str, commit: bool = False) -> list[tuple[object, ...]]:
    """Run statements in one session, and return the rows of the last one."""
    with closing(psycopg2.connect(course.urls["course"])) as session:
        cursor = session.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall()
        if commit:
            session.commit()
        return rows
