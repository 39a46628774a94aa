"""Passwords in URLs and in statements are shown nowhere: on no stream, in no event, by no door."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.console import arguments
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
SECRET = "s3cret-pa55"
Script = Callable[..., tuple[int, str]]
"""Runs a script of that name with those arguments; gives exit code and all output."""
COMMANDS = [
    (command, *extra)
    for command in ("status", "migrate", "rollback", "validate")
    for extra in ((), ("--format", "json") if command == "validate" else ("--json",))
] + [("validate", "--live")]
URLS = {
    "right": "",
    "of no database": "",
    "without a port": f"postgresql://a:{SECRET}@h:port/x",
    "of another server": f"mysql://a:{SECRET}@h/x",
}
UNESCAPED = [
    f"postgresql://app:p@{SECRET}@127.0.0.1:1/db",
    f"postgresql://app:2024/{SECRET}@h/db",
    f"postgresql://app@127.0.0.1:1/db?dbname=postgresql://x:{SECRET}@h/y",
]


@pytest.fixture
def script(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Script]:
    """The scripts without a process of their own, which would take ten times as long."""

    def run(command: str, *options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [f"{command}.py", *options])
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(f"scripts.{command}").main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    monkeypatch.setattr(arguments, "this_project", lambda: workspace.project)
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        yield run


@pytest.fixture
def url(request: pytest.FixtureRequest, workspace: Workspace) -> str:
    """One of URLS, with the password in it."""
    good = workspace.urls["course"].replace("migrator@", f"migrator:{SECRET}@")
    made = {"right": good, "of no database": good.replace("/course_", "/nowhere_")}
    found: str = made.get(request.param) or URLS[request.param]
    assert SECRET in found
    return found


@pytest.mark.parametrize(
    "statement",
    [
        f"CREATE ROLE app LOGIN PASSWORD '{SECRET}';",
        f"ALTER ROLE nobody ENCRYPTED PASSWORD E'{SECRET}';",
        f"ALTER ROLE nobody PASSWORD $x${SECRET}$x$;",
        f"SELECT 1/0, 'host=a password={SECRET} user=b';",
        f"SELECT 1/0, 'postgresql://app:{SECRET}@host/db';",
    ],
)
def test_one_in_a_statement_that_fails_is_shown_nowhere(
    workspace: Workspace, statement: str
) -> None:
    workspace.add("001", statement)
    said = ""
    for options in (("--database", "course"), ("--database", "course", "--json")):
        done = workspace.run("migrate", *options)
        assert done.returncode == 1
        said += done.stdout + done.stderr
    said += workspace.alembic("-n", "course", "upgrade", "head").stderr
    events = workspace.run("status", "--database", "course", "--events", "--json").stdout
    assert len(json.loads(events)["databases"][0]["events"]) == 6
    assert "***" in said
    assert SECRET not in said + events


@pytest.mark.parametrize("url", URLS, indirect=True)
def test_one_in_a_url_is_shown_by_no_script(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, script: Script, url: str
) -> None:
    workspace.add_tables("001")
    monkeypatch.setenv("COURSE_DB_URL", url)
    for command, *extra in COMMANDS:
        code, said = script(command, "--database", "course", *extra)
        assert said
        assert SECRET not in said
        if "course_" in url or (command == "validate" and "--live" not in extra):
            assert code in (0, 2) if command == "rollback" else code == 0, said
        else:
            assert code in (1, 2)


@pytest.mark.parametrize("url", URLS, indirect=True)
def test_one_in_a_url_is_shown_by_no_door_nor_kept(workspace: Workspace, url: str) -> None:
    workspace.add_tables("001", "002")
    settings = {"COURSE_DB_URL": url}
    for done in (
        workspace.run("migrate", "--database", "course", "--to", "1", environment=settings),
        workspace.alembic("-n", "course", "upgrade", "head", environment=settings),
    ):
        assert done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        assert (done.returncode == 0) is ("/course_" in url)
    if "/course_" in url:
        assert workspace.versions() == ["001", "002"]
        rows = workspace.query("SELECT e::text FROM schema_migrations_events e")
        assert len(rows) > 1
        assert SECRET not in str(rows)


@pytest.mark.parametrize("url", UNESCAPED)
def test_a_url_whose_password_was_not_escaped_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, script: Script, url: str
) -> None:
    monkeypatch.setenv("COURSE_DB_URL", url)
    code, said = script("status", "--database", "course")
    assert code == 2
    assert "COURSE_DB_URL is not a PostgreSQL URL" in said
    assert SECRET not in said


def test_one_that_was_not_escaped_is_not_shown_by_a_process_either(workspace: Workspace) -> None:
    done = workspace.run(
        "status", "--database", "course", environment={"COURSE_DB_URL": UNESCAPED[0]}
    )
    assert done.returncode == 2
    assert "COURSE_DB_URL is not a PostgreSQL URL" in done.stderr
    assert SECRET not in done.stdout + done.stderr
