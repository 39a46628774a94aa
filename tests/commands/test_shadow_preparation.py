"""shadow.sql: what prepares the empty shadow, and whose errors are its own."""

from __future__ import annotations

import pytest

from scripts.embedded.server import Server
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
SHADOW = ("--shadow", "--database", "course")
SHADOW_SQL = "sql/course/shadow.sql"


def shadow_sql(workspace: Workspace, text: str | bytes, environment: str = "course") -> None:
    path = workspace.root / f"sql/{environment}/shadow.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1;\nCREATE TABEL a ();", f"{SHADOW_SQL}:2"),
        ("SELECT 1;\nSELECT 'open;", f"{SHADOW_SQL}:2"),
        (b"SELECT '\xe9';", "the file is not valid UTF-8"),
    ],
)
def test_an_error_in_what_prepares_the_shadow_has_its_place(
    workspace: Workspace, postgres: Server, text: str | bytes, said: str
) -> None:
    workspace.add_tables("001")
    shadow_sql(workspace, text)
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "-- nothing yet\n", "BEGIN;\nSET search_path = '';\nCOMMIT;"])
def test_what_prepares_the_shadow_leaves_no_settings(
    workspace: Workspace, postgres: Server, text: str
) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    shadow_sql(workspace, text)
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_environment_prepares_its_shadow_with_the_same_role(workspace: Workspace) -> None:
    up = "CREATE TABLE IF NOT EXISTS a (id int);\nGRANT SELECT ON a TO app;"
    for environment in ("auth", "course"):
        workspace.add("001", up, "DROP TABLE IF EXISTS a;", environment=environment)
        shadow_sql(workspace, "CREATE ROLE app; CREATE ROLE owner;", environment)
    none = {"AUTH_DB_URL": "", "COURSE_DB_URL": "", "MIGRATION_ROLE": "migrations"}
    done = workspace.run("validate", "--shadow", environment=none)
    assert "2 of them run on a shadow" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout


def test_what_prepares_the_shadow_may_be_dropped_by_the_migration_that_takes_it_over(
    workspace: Workspace, postgres: Server
) -> None:
    up = "CREATE TABLE IF NOT EXISTS users (id text, name text);"
    workspace.add("001", up, "DROP TABLE IF EXISTS users;")
    shadow_sql(workspace, "CREATE TABLE users (id text);")
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 0, done.stdout


def test_what_prepares_the_shadow_is_no_migration_and_no_clash(
    workspace: Workspace, postgres: Server
) -> None:
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS users (id text);\nCREATE TABLE IF NOT EXISTS a (u text);",
        "DROP TABLE IF EXISTS a;",
    )
    (workspace.root / "sql/course/shadow.sql").write_text("CREATE TABLE users (id text);")
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 0, done.stdout
    workspace.upgrade()
    assert workspace.versions() == ["001"]
