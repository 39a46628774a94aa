"""`python scripts/status.py`: what is there, for people and for programs."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def mixed(workspace: Workspace) -> Workspace:
    """001 applied, 002 changed since, 003 ahead of this code, 004 would be below: none pending."""
    workspace.add_tables("001", "002", "003")
    workspace.upgrade()
    workspace.remove("003")
    path = workspace.root / "sql/course/002_step.sql"
    path.write_text(path.read_text() + "-- later\n")
    return workspace


def test_it_shows_applied_changed_ahead_and_pending(mixed: Workspace) -> None:
    mixed.add_tables("001", environment="auth")
    done = mixed.run("status")
    assert (done.returncode, done.stderr) == (0, "")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", "WHEN", done.stdout)
    text = re.sub(r"\d+ ms", "N ms", text)
    text = re.sub(r" \S+@this machine:\d+/\w+  PostgreSQL [\d.]+", " SERVER", text)
    assert re.sub(" +", " ", text).splitlines() == [
        "auth SERVER",
        " empty, 0 applied, 1 pending",
        " version state applied at took file",
        " 001 pending 001_step.sql",
        "",
        "course SERVER",
        " at 003, 3 applied, 0 pending, 1 ahead of this code, 1 changed since applied",
        " version state applied at took file",
        " 001 applied WHEN N ms 001_step.sql",
        " 002 CHANGED WHEN N ms 002_step.sql",
        " 003 ahead WHEN N ms 003_step.sql",
    ]


def test_one_database_can_be_asked_for(mixed: Workspace) -> None:
    done = mixed.run("status", "--database", "auth", environment={"COURSE_DB_URL": ""})
    title, line = done.stdout.splitlines()
    assert re.fullmatch(r"auth  migrator@this machine:\d+/auth\w*  PostgreSQL \d+[.\d]*", title)
    assert line == "  empty, 0 applied, 0 pending"


def test_json_has_all_of_it(mixed: Workspace) -> None:
    done = mixed.run("status", "--database", "course", "--json")
    [course] = json.loads(done.stdout)["databases"]
    assert (course["database"], course["current"], course["alembic_version"]) == (
        "course",
        "003",
        ["003"],
    )
    assert [(a["version"], a["changed"], a["ahead"]) for a in course["applied"]] == [
        ("001", False, False),
        ("002", True, False),
        ("003", False, True),
    ]
    assert course["applied"][1]["checksum"] != course["applied"][1]["file_checksum"]
    assert course["pending"] == []


def test_it_writes_nothing_to_an_empty_database(workspace: Workspace) -> None:
    before = workspace.dump()
    assert workspace.run("status").returncode == 0
    assert workspace.dump() == before


def test_a_server_that_is_not_there_is_said_with_its_place(workspace: Workspace) -> None:
    url = "postgresql://someone:s3cr3t@127.0.0.1:1/course"
    done = workspace.run("status", "--database", "course", environment={"COURSE_DB_URL": url})
    assert done.returncode == 1
    assert "cannot connect to 127.0.0.1:1, database course, as someone" in done.stderr
    assert "s3cr3t" not in done.stderr
