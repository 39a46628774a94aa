"""New migrations: the name made of words, the number, the file that is written."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import FormatError, UsageError
from scripts.files import migration_file, template
from scripts.files.project import Environment

DAY = date(2026, 11, 3)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("add_user_preferences", "add_user_preferences"),
        ("Add user's préférences", "add_users_preferences"),
        ("  add -- x; DROP TABLE y  ", "add_x_drop_table_y"),
        ("../../etc/passwd", "etc_passwd"),
        ("ADD\tX\nY", "add_x_y"),
        ("2fa", "2fa"),
        ("a" * 70, "a" * 60),
        ("word " * 20, "_".join(["word"] * 12)),
        ("x" * 59 + " y", "x" * 59),
        ("x" * 58 + " y", "x" * 58 + "_y"),
    ],
)
def test_a_file_name_is_made_of_the_words(name: str, slug: str) -> None:
    assert template.slug(name) == slug


@pytest.mark.parametrize("name", ["", "  ", "---", "日本語", "'"])
def test_a_name_without_words_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        template.slug(name)

    assert str(caught.value) == (
        f"error:  cannot make a file name from {name!r}\n"
        "help:   describe the change with the letters a to z: add_user_prefs"
    )


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(st.text(max_size=120))
def test_every_slug_makes_a_name_that_fits(name: str) -> None:
    try:
        slug = template.slug(name)
    except UsageError:
        return

    assert len(slug) <= template.SLUG_LIMIT
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug)


def test_a_plan_writes_nothing(course: Environment) -> None:
    (course.sql / "041_a.sql").touch()

    entry = template.plan(course, "Add x")

    assert (entry.version, entry.path) == ("042", course.sql / "042_add_x.sql")
    assert not entry.path.exists()


def test_the_file_that_is_written(course: Environment) -> None:
    path = template.write(
        template.plan(course, "Add préfs"), description="Add préfs", author="Ann", today=DAY
    )

    assert path.read_bytes().decode() == (
        "-- Migration: 001_add_prefs.sql\n"
        "-- Description: Add préfs\n"
        "-- Author: Ann\n"
        "-- Created: 2026-11-03\n"
        "\n"
        "-- UP: Apply migration\n"
        "\n"
        "\n"
        "-- DOWN: Rollback migration (for use by rollback scripts)\n"
        "\n"
    )


def test_the_file_is_in_the_format_once_up_is_filled(course: Environment) -> None:
    path = template.write(template.plan(course, "a"), description="a", author="", today=DAY)
    with pytest.raises(FormatError, match="the UP section has no SQL statement") as caught:
        migration_file.read(path)
    assert caught.value.line == 6

    text = path.read_text().replace("migration\n\n", "migration\nCREATE TABLE a ();\n", 1)
    path.write_text(text + "-- DROP TABLE a;\n")
    file = migration_file.read(path)

    assert file.header.migration == "001_a.sql"
    assert [s.line for s in (*file.up.statements, *file.down.statements)] == [7, 11]


@pytest.mark.parametrize(
    "text",
    [
        "a\n-- Transaction: none\n",
        "a\r\n-- UP\r\nDROP TABLE x;",
        "{filename} {0} %s",
        "a\u2028-- UP",
    ],
)
def test_nothing_in_a_description_or_a_name_leaves_its_line(course: Environment, text: str) -> None:
    path = template.write(template.plan(course, "a"), description=text, author=text, today=DAY)
    path.write_text(path.read_text().replace("-- DOWN", "SELECT 1;\n-- DOWN", 1))

    file = migration_file.read(path)

    assert file.header.description == file.header.author == " ".join(text.split())
    assert file.header.transactional
    assert len(file.up.statements) == 1


def test_a_file_that_is_there_is_never_overwritten(course: Environment) -> None:
    entry = template.plan(course, "a")
    entry.path.write_text("mine")

    with pytest.raises(UsageError) as caught:
        template.write(entry, description="a", author="", today=DAY)

    assert str(caught.value) == (
        "error:  sql/course/001_a.sql already exists\n"
        "help:   run the command again to get the next number"
    )
    assert entry.path.read_text() == "mine"
