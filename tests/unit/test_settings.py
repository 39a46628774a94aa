"""Settings: from the environment and .env, without a password ever shown."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from scripts.engine import mistyped, settings
from scripts.engine.settings import TableName
from scripts.errors import UsageError
from scripts.files.project import Environment, Project

TIMEOUT = "MIGRATION_CONNECT_TIMEOUT"
URL = "postgresql://app:s3cr%t@db.example.org:5432/course?sslmode=require"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one environment, and a process without any of the settings."""
    names = ("COURSE_DB_URL", "MIGRATION_TABLE", "MIGRATION_FALLBACK", TIMEOUT)
    for name in names:
        monkeypatch.delenv(name, raising=False)
    course = Environment("course", tmp_path / "course", tmp_path / "sql" / "course")
    return Project(tmp_path, tmp_path / "alembic.ini", (course,))


def load(project: Project, *, need_url: bool = True) -> settings.Settings:
    return settings.load(project, project.environments[0], need_url=need_url)


def test_the_url_comes_from_the_environment_as_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DB_URL", URL)

    assert load(project).url == URL
    assert load(project).environment.name == "course"
    assert load(project).ledger == TableName(None, "schema_migrations")


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_the_url_comes_from_dotenv_as_it_is(project: Project, quote: str) -> None:
    url = "postgresql://app:a$HOME${HOME}%25@h/course"
    (project.root / ".env").write_text(f"COURSE_DB_URL={quote}{url}{quote}\n")

    assert load(project).url == url


def test_the_environment_wins_over_dotenv(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / ".env").write_text("COURSE_DB_URL=postgresql://file/a\nMIGRATION_TABLE=filed\n")
    monkeypatch.setenv("COURSE_DB_URL", URL)

    assert load(project).url == URL
    assert load(project).ledger == TableName(None, "filed")


def test_dotenv_is_read_in_the_project_only(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text(f"COURSE_DB_URL={URL}\n")
    monkeypatch.chdir(elsewhere)

    with pytest.raises(UsageError):
        load(project)


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_missing_url_is_an_error_that_names_the_variable(
    project: Project, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("COURSE_DB_URL", value)

    with pytest.raises(UsageError) as caught:
        load(project)

    assert str(caught.value) == (
        "error:  COURSE_DB_URL is not set\n"
        "detail: it is read from the environment and from .env in the project's folder\n"
        "help:   set it to postgresql://user:password@host/course, or to embedded://course to try "
        "things out"
    )
    assert caught.value.exit_code == 2


def test_no_url_is_needed_where_no_database_is_touched(project: Project) -> None:
    assert load(project, need_url=False).url == ""


def test_only_make_falls_back_to_the_embedded_server(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_FALLBACK", "embedded")
    assert load(project).url == "embedded://course"

    monkeypatch.setenv("COURSE_DB_URL", URL)
    assert load(project).url == URL

    monkeypatch.delenv("COURSE_DB_URL")
    monkeypatch.setenv("MIGRATION_FALLBACK", "yes")
    with pytest.raises(UsageError):
        load(project)


def test_no_password_is_in_the_representation(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DB_URL", URL)

    assert "s3cr" not in repr(load(project)) + str(load(project))


@pytest.mark.parametrize(
    ("text", "schema", "name", "shown"),
    [
        ("ledger", None, "ledger", "ledger"),
        ("ops.ledger", "ops", "ledger", "ops.ledger"),
        ("Audit", None, "Audit", "Audit"),
        ('"my ledger"', None, "my ledger", "my ledger"),
        ('"a.b"', None, "a.b", "a.b"),
        ('"my.schema"."my.table"', "my.schema", "my.table", "my.schema.my.table"),
        ('ops."l""edger"', "ops", 'l"edger', 'ops.l"edger'),
        ('"ops".ledger', "ops", "ledger", "ops.ledger"),
        ("  ledger\n", None, "ledger", "ledger"),
        ("журнал", None, "журнал", "журнал"),
        ("x;DROP--'", None, "x;DROP--'", "x;DROP--'"),
        ("n" * 56, None, "n" * 56, "n" * 56),
    ],
)
def test_table_names(text: str, schema: str | None, name: str, shown: str) -> None:
    table = settings.table_name(text)

    assert table == TableName(schema, name)
    assert str(table) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a.", ".a", "a.b.c", "a b", '"a', 'a"', '""', '"a"b', '"a"."'),
        *("n" * 57, "é" * 29, "a." + "n" * 57, "n" * 57 + ".a"),
    ],
)
def test_what_can_t_be_a_table_name_is_an_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.table_name(text)

    assert str(caught.value) == (
        f"error:  MIGRATION_TABLE is {text!r}, which is not a table name\n"
        'help:   write schema_migrations, ops.schema_migrations or "my schema".schema_migrations; '
        "at most 56 bytes each"
    )


def test_the_table_name_is_read_from_its_setting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", "")
    assert str(load(project, need_url=False).ledger) == "schema_migrations"

    monkeypatch.setenv("MIGRATION_TABLE", "a.b.c")
    with pytest.raises(UsageError, match=r"MIGRATION_TABLE is 'a\.b\.c'"):
        load(project, need_url=False)


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("", 10_000), ("1s", 1000), ("1500ms", 1500), ("2min", 120_000)]
)
def test_how_long_connecting_may_take_is_a_setting_of_ten_seconds_when_not_set(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str, milliseconds: int
) -> None:
    assert load(project, need_url=False).connect_timeout_ms == 10_000
    monkeypatch.setenv(TIMEOUT, text)
    assert load(project, need_url=False).connect_timeout_ms == milliseconds


@pytest.mark.parametrize("text", ["0", "10ms", "999ms"])
def test_connecting_gets_a_second_at_least(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(TIMEOUT, text)
    with pytest.raises(UsageError) as caught:
        load(project, need_url=False)
    assert str(caught.value) == (
        f"error:  {TIMEOUT} is '{text}', but must be at least 1s\nhelp:   write {TIMEOUT}=10s"
    )


def test_how_long_connecting_may_take_is_a_duration(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TIMEOUT, "soon")
    with pytest.raises(UsageError, match=f"{TIMEOUT}: 'soon' is not a duration"):
        load(project, need_url=False)


@pytest.mark.parametrize(
    "name",
    [
        TIMEOUT,
        "MIGRATION_CONNECT_WAIT",
        "MIGRATION_LOCK_WAIT",
        "MIGRATION_LOCK_TIMEOUT",
        "MIGRATION_STATEMENT_TIMEOUT",
    ],
)
def test_a_time_without_a_unit_is_refused_with_what_may_have_been_meant(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "5")
    with pytest.raises(UsageError) as caught:
        load(project, need_url=False)
    assert str(caught.value) == (
        f"error:  {name}: '5' has no unit\nhelp:   write {name}=5s or {name}=5ms"
    )


@pytest.mark.parametrize("name", ["MIGRATION_LOCK_TIMEOUT", "MIGRATION_STATEMENT_TIMEOUT"])
def test_zero_needs_no_unit(project: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "0")
    limits = load(project, need_url=False).limits
    assert 0 in (limits.lock_timeout_ms, limits.statement_timeout_ms)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MIGRATION_LOCK_TIMOUT", "MIGRATION_LOCK_TIMEOUT"),
        ("MIGRATION_LOCK_TIMEOUT_MS", "MIGRATION_LOCK_TIMEOUT"),
        ("MIGRATION_LOCKTIMEOUT", "MIGRATION_LOCK_TIMEOUT"),
        ("MIGRATION_STATMENT_TIMEOUT", "MIGRATION_STATEMENT_TIMEOUT"),
        ("MIGRATION_TABEL", "MIGRATION_TABLE"),
        ("MIGRATION_ROLES", "MIGRATION_ROLE"),
        ("Migration_Table", "MIGRATION_TABLE"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_setting_that_is_mistyped_is_refused_with_the_one_that_was_meant(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, meant: str, place: str
) -> None:
    if place == ".env":
        (project.root / ".env").write_text(f"{name}=5s\n")
    else:
        monkeypatch.setenv(name, "5s")
    with pytest.raises(UsageError) as caught:
        load(project, need_url=False)
    assert caught.value.what == f"{name} is not a setting; did you mean {meant}?"
    assert caught.value.exit_code == 2


def test_a_name_near_to_a_setting_that_is_set_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "3s")
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT_OLD", "9")
    assert load(project, need_url=False).limits.lock_timeout_ms == 3000


@pytest.mark.parametrize(
    "name",
    ["MIGRATION_DIR", "MIGRATION_ENV", "MIGRATION_USER", "MIGRATION_FILE", "MIGRATIONS_PATH"],
)
def test_a_name_near_to_no_setting_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert load(project, need_url=False).ledger.name == "schema_migrations"


@pytest.mark.parametrize(
    "name", ["COURSE_DB_URl", "COURSE_DATABASE_URL", "COURSE_URL", "COURSES_DB_URL"]
)
def test_a_missing_url_names_a_variable_that_may_have_been_meant(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("COURSE_DB_DIRECT_URL", URL)
    monkeypatch.setenv(name, URL)
    with pytest.raises(UsageError) as caught:
        load(project)
    assert caught.value.detail.splitlines()[1:] == [f"{name} is set; did you mean COURSE_DB_URL?"]
    assert "s3cr" not in str(caught.value)


def test_every_setting_that_is_read_is_known_by_name() -> None:
    read = set(re.findall(r'"(MIGRATION_[A-Z_]+)"', inspect.getsource(settings)))
    assert read == set(mistyped.SETTINGS)


def test_none_is_no_role(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_ROLE", "none")
    assert load(project, need_url=False).role == ""
