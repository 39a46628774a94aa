"""The files of an environment: names, order, versions, and what goes with what."""

from __future__ import annotations

import pytest

from scripts.errors import HistoryError, UsageError
from scripts.files import history
from scripts.files.project import Environment


def add(environment: Environment, *stems: str) -> None:
    """Make migrations: an SQL file and a revision file each."""
    for stem in stems:
        (environment.sql / f"{stem}.sql").touch()
        (environment.versions / f"{stem}.py").touch()


def problems(environment: Environment) -> list[str]:
    return [str(problem) for problem in history.survey(environment)[1]]


def test_migrations_are_in_the_order_of_their_numbers(course: Environment) -> None:
    add(course, "10_b", "0009_a", "1000_d", "999_c")

    entries = history.read(course).entries

    assert [(e.version, e.slug, e.number) for e in entries] == [
        ("0009", "a", 9),
        ("10", "b", 10),
        ("999", "c", 999),
        ("1000", "d", 1000),
    ]
    assert entries[0].filename == "0009_a.sql"
    assert entries[0].path == course.sql / "0009_a.sql"


def test_an_environment_without_migrations_has_a_history(course: Environment) -> None:
    assert history.read(course).entries == ()


def test_gaps_are_no_problem(course: Environment) -> None:
    add(course, "001_a", "005_b")

    assert problems(course) == []


@pytest.mark.parametrize(
    "name",
    ["001_a", "2_b", "0003_Add-users_2", "20240101120000_c", "000_zero", "1" * 32 + "_d", "004_5"],
)
def test_names_that_fit(course: Environment, name: str) -> None:
    add(course, name)

    assert problems(course) == []


@pytest.mark.parametrize(
    "name",
    [
        "1.sql",
        "001.sql",
        "001_.sql",
        "001-a.sql",
        "_001_a.sql",
        "a_001.sql",
        "001_a b.sql",
        "001_préf.sql",
        "001_a.down.sql",
        "001 _a.sql",
        "\u0660\u0661_a.sql",
        "V1__a.sql",
        "001_-a.sql",
        "1" * 33 + "_a.sql",
        "001_a.SQL",
    ],
)
def test_a_name_that_does_not_fit_is_a_problem(course: Environment, name: str) -> None:
    (course.sql / name).touch()

    assert problems(course) == [
        f"error:  '{name}' is not a valid migration name\n"
        f"at:     sql/course/{name}\n"
        "help:   name it like 004_add_user_preferences.sql: a number, _, then letters, "
        "digits, _ and -"
    ]


def test_a_revision_file_has_to_fit_too(course: Environment) -> None:
    (course.versions / "a1b2c3_x.py").touch()

    with pytest.raises(
        HistoryError, match=r"'a1b2c3_x\.py' is not a valid migration name"
    ) as caught:
        history.read(course)
    assert caught.value.where == "course/versions/a1b2c3_x.py"
    assert "004_add_user_preferences.py" in caught.value.hint


def test_files_that_are_no_migrations_are_left_alone(course: Environment) -> None:
    for name in ("README.md", ".001_a.sql.swp", ".hidden.sql", "001_a.sql~", "001_a.sql.bak"):
        (course.sql / name).touch()
    (course.versions / "__init__.py").touch()
    (course.versions / "__pycache__").mkdir()

    assert problems(course) == []


def test_one_version_twice_is_a_problem_however_it_is_written(course: Environment) -> None:
    add(course, "002_a", "2_b", "003_c")

    assert problems(course) == [
        "error:  two files have version 2: 002_a.sql and 2_b.sql\n"
        "at:     sql/course/2_b.sql\n"
        "help:   give one of them the next free number: rename both of its files, then set "
        "`revision` and `down_revision` in the revision file, and '-- Migration:' in the SQL file",
        "error:  two files have version 2: 002_a.py and 2_b.py\n"
        "at:     course/versions/2_b.py\n"
        "help:   give one of them the next free number: rename both of its files, then set "
        "`revision` and `down_revision` in the revision file, and '-- Migration:' in the SQL file",
    ]


def test_a_migration_file_without_a_revision_file_is_a_problem(course: Environment) -> None:
    (course.sql / "001_a.sql").touch()

    assert problems(course) == [
        "error:  001_a.sql has no revision file, so Alembic would never run it\n"
        "at:     sql/course/001_a.sql\n"
        "help:   create course/versions/001_a.py:\n"
        "        from scripts.engine.revision import migration\n"
        '        revision = "001"\n'
        "        down_revision = None\n"
        "        upgrade, downgrade = migration(__file__)"
    ]


def test_a_revision_file_is_to_come_after_the_version_below_it(course: Environment) -> None:
    add(course, "001_a", "004_d")
    (course.sql / "003_c.sql").touch()

    assert 'revision = "003"\n        down_revision = "001"\n' in problems(course)[0]


def test_a_revision_file_without_a_migration_file_is_a_problem(course: Environment) -> None:
    (course.versions / "001_a.py").touch()

    assert problems(course) == [
        "error:  001_a.py has no migration file\n"
        "at:     course/versions/001_a.py\n"
        "help:   restore sql/course/001_a.sql, or delete the revision file"
    ]


def test_files_that_differ_in_their_names_are_no_pair(course: Environment) -> None:
    (course.sql / "001_a.sql").touch()
    (course.versions / "1_a.py").touch()

    assert [p.splitlines()[0] for p in problems(course)] == [
        "error:  001_a.sql has no revision file, so Alembic would never run it",
        "error:  1_a.py has no migration file",
    ]


def test_all_problems_are_found_and_the_good_files_listed(course: Environment) -> None:
    add(course, "001_a", "002_b", "2_c")
    (course.sql / "x.sql").touch()
    (course.sql / "005_e.sql").touch()

    found, said = history.survey(course)

    assert [e.filename for e in found.entries] == ["001_a.sql", "002_b.sql", "2_c.sql", "005_e.sql"]
    assert len(said) == 4


def test_a_missing_folder_is_a_problem(course: Environment) -> None:
    course.sql.rmdir()

    assert problems(course) == [
        "error:  folder sql/course does not exist\nhelp:   create it; it may be empty",
    ]


@pytest.mark.parametrize("version", ["2", "002", "0000002"])
def test_a_migration_is_found_by_its_number(course: Environment, version: str) -> None:
    add(course, "001_a", "002_b")

    assert history.read(course).get(version).slug == "b"


@pytest.mark.parametrize("version", ["3", "head", "", "-1", "2.0", "٢", "²", "002_b"])
def test_a_version_that_is_not_there_is_an_error(course: Environment, version: str) -> None:
    add(course, "001_a", "002_b")

    with pytest.raises(UsageError) as caught:
        history.read(course).get(version)
    meant = "\nhelp:   did you mean 002?" if version == "002_b" else ""
    assert str(caught.value) == (
        f"error:  course has no version '{version}'\n"
        f"detail: versions in sql/course: 001 to 002{meant}"
    )


def test_an_empty_history_has_no_versions(course: Environment) -> None:
    with pytest.raises(UsageError) as caught:
        history.read(course).get("1")
    assert caught.value.detail == "versions in sql/course: none"


def test_a_version_of_another_tool_is_an_error() -> None:
    with pytest.raises(HistoryError, match="'a1b2' is not a version: versions are numbers such as"):
        history.number("a1b2")


@pytest.mark.parametrize(
    ("stems", "version"),
    [
        ([], "001"),
        (["001_a"], "002"),
        (["1_a"], "002"),
        (["009_a"], "010"),
        (["005_a", "002_b"], "006"),
        (["10_a", "9_b"], "011"),
        (["0009_a"], "0010"),
        (["999_a"], "1000"),
        (["20240101120000_a"], "20240101120001"),
    ],
)
def test_the_next_version(course: Environment, stems: list[str], version: str) -> None:
    add(course, *stems)

    assert history.next_version(course) == version


def test_a_file_without_its_counterpart_keeps_its_number(course: Environment) -> None:
    add(course, "001_a")
    (course.versions / "007_b.py").touch()

    assert history.next_version(course) == "008"
