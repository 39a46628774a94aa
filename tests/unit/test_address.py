"""Addresses: what is not a PostgreSQL URL is refused, and no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.engine import settings
from scripts.engine.session import address
from scripts.errors import UsageError
from scripts.files.project import Environment, Project

SECRET = "s3cret-pa55"


def dsn(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    course = Environment("course", Path("course"), Path("sql/course"))
    project = Project(Path("nowhere"), Path("nowhere/alembic.ini"), (course,))
    monkeypatch.setenv("COURSE_DB_URL", url)
    return address.dsn(settings.load(project, course))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://a:{SECRET}@h:port/x",
        f"mysql://a:{SECRET}@h/x",
        f"a:{SECRET}@h/x",
        f"postgresql://app:p@{SECRET}@127.0.0.1:1/db",
        f"postgresql://app:2024/{SECRET}@h/db",
        f"postgresql://app:{SECRET}%zz@h/db",
        f"postgresql://app@127.0.0.1:1/db?dbname=postgresql://x:{SECRET}@h/y",
        f"embedded://a:{SECRET}@h",
    ],
)
def test_what_is_no_url_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with pytest.raises(UsageError, match="COURSE_DB_URL is not a PostgreSQL URL") as caught:
        dsn(url, monkeypatch)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"postgresql://app:{SECRET}@h:5433/db", "h:5433, database db, as app"),
        (f"postgres://app:{SECRET}@h/db", "h, database db, as app"),
        (f"postgresql+psycopg2://app:{SECRET}@h/db", "h, database db, as app"),
        (f"postgresql://app@h/db?password={SECRET}", "h, database db, as app"),
        (f"postgresql://app:{SECRET}@h1:1,h2:2/db", "h1,h2:1,2, database db, as app"),
    ],
)
def test_where_a_url_leads_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, place: str
) -> None:
    read = dsn(url, monkeypatch)
    assert address.place(read) == place
    assert address.without_password(f"refused: {SECRET}", read) == "refused: ***"
