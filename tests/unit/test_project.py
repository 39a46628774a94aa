"""alembic.ini: which environments there are, and where their files lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.files import project

TWO = """\
[DEFAULT]
prepend_sys_path = %(here)s
[alembic]
script_location = nowhere
[auth]
script_location = %(here)s/auth
[course]
script_location = %(here)s/course
[loggers]
keys = root
"""


@pytest.fixture
def ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An alembic.ini with two environments, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "alembic.ini"
    path.write_text(TWO)
    return path


def error_of(ini: Path) -> str:
    with pytest.raises(UsageError) as caught:
        project.load(ini)
    return str(caught.value)


def test_environments_are_the_sections_with_a_script_location(ini: Path) -> None:
    loaded = project.load(ini)

    assert [e.name for e in loaded.environments] == ["auth", "course"]
    course = loaded.environment("course")
    assert course.folder == ini.parent / "course"
    assert course.versions == ini.parent / "course" / "versions"
    assert course.sql == ini.parent / "sql" / "course"
    assert course.url_setting() == "COURSE_DB_URL"
    assert (loaded.root, loaded.ini) == (ini.parent, ini)


@pytest.mark.parametrize("location", ["billing", "%(here)s/billing", "./billing"])
def test_a_third_environment_is_a_new_section(ini: Path, location: str) -> None:
    ini.write_text(f"{TWO}[billing]\nscript_location = {location}\n")
    billing = project.load(Path("alembic.ini")).environment("billing")

    assert billing.folder == ini.parent / "billing"
    assert billing.sql == ini.parent / "sql" / "billing"
    assert billing.url_setting() == "BILLING_DB_URL"


def test_a_folder_elsewhere_has_its_sql_beside_it(ini: Path) -> None:
    ini.write_text("[course]\nscript_location = %(here)s/databases/course\n")

    assert project.load(ini).environments[0].sql == ini.parent / "databases" / "sql" / "course"


def test_an_unknown_environment_is_an_error_that_names_the_known(ini: Path) -> None:
    loaded = project.load(ini)

    with pytest.raises(UsageError) as caught:
        loaded.environment("curse")
    assert str(caught.value) == (
        "error:  'curse' is not an environment in alembic.ini\n"
        "detail: environments: auth, course\n"
        "help:   did you mean 'course'?"
    )
    with pytest.raises(UsageError) as caught:
        loaded.environment("billing")
    assert caught.value.hint == ""


def test_a_missing_alembic_ini_is_an_error(ini: Path) -> None:
    ini.unlink()

    assert error_of(ini) == (
        "error:  alembic.ini does not exist\nhelp:   run the command in the project's folder"
    )


@pytest.mark.parametrize("text", ["", "[alembic]\nscript_location = x\n", "[loggers]\nkeys = a\n"])
def test_no_environment_is_an_error(ini: Path, text: str) -> None:
    ini.write_text(text)

    assert error_of(ini) == (
        "error:  alembic.ini defines no environment\n"
        "help:   add a section such as [course] with script_location = %(here)s/course"
    )


@pytest.mark.parametrize("name", ["Course", "my course", "1st", "a-b", "a.b", "é"])
def test_a_name_that_can_t_be_an_environment_is_an_error(ini: Path, name: str) -> None:
    ini.write_text(f"[{name}]\nscript_location = x\n")

    assert error_of(ini) == (
        f"error:  [{name}] in alembic.ini is not a valid name for an environment\n"
        "help:   use lower-case letters, digits and _, with a letter first: the name "
        "becomes part of paths and settings"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("course\n", id="no-section"),
        pytest.param("[course]\nscript_location = a\n[course]\n", id="section-twice"),
        pytest.param("[course]\nscript_location = %(there)s/a\n", id="unknown-variable"),
    ],
)
def test_an_alembic_ini_that_can_t_be_read_is_an_error(ini: Path, text: str) -> None:
    ini.write_text(text)

    assert error_of(ini).startswith("error:  cannot read alembic.ini\ndetail: ")


def test_paths_are_shown_from_here(ini: Path, tmp_path: Path) -> None:
    assert project.shown(tmp_path / "sql" / "a.sql") == "sql/a.sql"
    assert project.shown(Path("sql/a.sql")) == "sql/a.sql"
    assert project.shown(Path("/elsewhere/a.sql")) == "/elsewhere/a.sql"


def test_a_path_is_shown_even_when_there_is_no_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert project.shown(Path("/a.sql")) == "/a.sql"
