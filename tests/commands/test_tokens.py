"""A random token in each of many forms is shown by no door, kept in no log, names no session."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from urllib.parse import unquote

import pytest

from scripts.engine import disclosure
from scripts.errors import MigrationError
from tests.support.forms import BEFORE, FORMS, Form
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
LETTERS = "ghjkmnpqrtvwxyz"
"""None that a checksum has: what is found is the token and no chance."""
CUT = 6
"""Characters: a piece of that length gives it away."""
GROUPS = 4
PROCESSES = ("a notice and a key",)
DOORS = {
    "migrate": ("scripts/migrate.py", "--database", "course"),
    "migrate --json": ("scripts/migrate.py", "--database", "course", "--json"),
    "alembic": ("-m", "alembic", "-n", "course", "upgrade", "head"),
}


def token() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(20))


def assert_hidden(secret: str, text: str, what: str) -> None:
    """Search for it raw, in other letters, escaped as in a URL or in JSON, and cut."""
    for said in {text, unquote(text), re.sub(r"[\\\\'\"]", "", text)}:
        for start in range(len(secret) - CUT + 1):
            assert secret[start : start + CUT] not in said.lower(), f"{what}\n{said}"


def begin(workspace: Workspace) -> None:
    workspace.add("001", BEFORE.format(t="nothing"))
    workspace.upgrade()
    workspace.add("002", "SELECT 1;")


def write(workspace: Workspace, form: Form, secret: str) -> None:
    sql = form.sql.format(t=secret, blanks="1, " * 150)
    workspace.remove("002")
    header = f"-- Transaction: {form.header}\n" if form.header else ""
    workspace.add("002", f"{sql};", header=header)
    workspace.query(f"UPDATE held SET v = '{secret}'; UPDATE twice SET v = '{secret}'")


def events(workspace: Workspace) -> str:
    return str(workspace.query("SELECT error FROM schema_migrations_events"))


def test_there_are_as_many_forms_as_that() -> None:
    assert len({form.name for form in FORMS}) == len(FORMS) >= 60


@pytest.mark.parametrize("group", range(GROUPS))
def test_it_is_in_no_error_notice_json_or_event(
    workspace: Workspace, group: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begin(workspace)
    hidden = {}
    for form in FORMS[group::GROUPS]:
        secret = hidden[form.name] = token()
        write(workspace, form, secret)
        with pytest.raises(MigrationError) as failed:
            workspace.upgrade()
        said = disclosure.for_terminal(failed.value, in_full=False)
        assert "[" in said, f"{form.name} has no SQLSTATE\n{said}"
        assert "002_step.sql" in said, f"{form.name} has no place\n{said}"
        assert_hidden(secret, said, form.name)
        assert_hidden(secret, json.dumps(failed.value.parts()), form.name)
    kept = events(workspace) + "\n".join([*workspace.recorder.notices, caplog.text])
    assert kept.count("[") > len(hidden)
    for name, secret in hidden.items():
        assert_hidden(secret, kept, name)


@pytest.mark.parametrize("door", DOORS)
def test_no_process_shows_it(workspace: Workspace, door: str) -> None:
    begin(workspace)
    for form in [one for one in FORMS if one.name in PROCESSES]:
        secret = token()
        write(workspace, form, secret)
        done = workspace.execute(sys.executable, *DOORS[door])
        assert done.returncode == 1
        assert "[" in done.stderr
        assert_hidden(secret, done.stdout + done.stderr + events(workspace), form.name)


def test_no_session_is_named_for_it(workspace: Workspace) -> None:
    secret = token()
    workspace.add("001", "CREATE TABLE seen (name text);")
    workspace.add(
        "002",
        "INSERT INTO seen SELECT application_name FROM pg_stat_activity "
        f"WHERE datname = current_database() AND '{secret}' <> '';",
    )
    url = workspace.urls["course"].replace("migrator@", f"migrator:{secret}@")
    for door, version in ((DOORS["migrate"], "1"), (DOORS["alembic"], "002")):
        more = ("--to", version) if door == DOORS["migrate"] else ()
        done = workspace.execute(sys.executable, *door, *more, environment={"COURSE_DB_URL": url})
        assert done.returncode == 0, done.stderr
    names = [name for (name,) in workspace.query("SELECT name FROM seen")]
    assert any(name.startswith("upskill-migrations") for name in names)
    assert_hidden(secret, str(names), "application_name")
