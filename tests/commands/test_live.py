"""validate.py --live: whether a database is what the files say, as operators ask it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from scripts.embedded import cluster
from scripts.embedded.server import Server
from tests.support.companions import bouncer
from tests.support.servers import OwnServer, debian_bin, own_server, required
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
LIVE = ("--live", "--database", "course")
UP = """CREATE TABLE IF NOT EXISTS courses (id int PRIMARY KEY, title text NOT NULL);
CREATE TABLE IF NOT EXISTS lessons (id int PRIMARY KEY, course int REFERENCES courses (id));
CREATE INDEX IF NOT EXISTS lessons_course_idx ON lessons (course);
CREATE OR REPLACE VIEW titles AS SELECT title FROM courses;"""


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """A project whose course database has its one migration."""
    workspace.add("001", UP, "SELECT 1;")
    workspace.upgrade()
    return workspace


@pytest.fixture
def reader(applied: Workspace, postgres: Server) -> Iterator[str]:
    """The URL of a login that owns nothing, and may read the catalogs and the ledger."""
    role = f"reader_{uuid.uuid4().hex[:8]}"
    [(name,)] = applied.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(str(name)))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        for table in ("schema_migrations", "schema_migrations_events", "alembic_version"):
            cursor.execute(f"GRANT SELECT ON {table} TO {role}")
        yield applied.urls["course"].replace("migrator@", f"{role}@")
        cursor.execute(f"DROP OWNED BY {role}")
        cursor.execute(f"DROP ROLE {role}")


def findings(workspace: Workspace, *options: str, **environment: str) -> list[dict[str, Any]]:
    done = workspace.run("validate", *LIVE, "--format", "json", *options, environment=environment)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [one for one in found if one["code"].startswith("live")]


def messages(found: list[dict[str, Any]], code: str = "live-drift") -> list[str]:
    return [one["message"] for one in found if one["code"] == code]


def test_what_was_changed_by_hand_is_shown_as_ddl(applied: Workspace) -> None:
    assert findings(applied) == []
    applied.query("DROP INDEX lessons_course_idx")
    applied.query("ALTER TABLE courses ADD COLUMN price int")
    applied.query("CREATE TABLE by_hand (id int)")
    done = applied.run("validate", *LIVE)
    assert done.returncode == 1
    assert (
        "database course\n"
        "  error: column public.courses.price is made by no migration [live-drift]\n"
        "    + ALTER TABLE public.courses ADD COLUMN price integer\n"
        "    help: `-` is what the migrations make, `+` is what the database has\n"
        "  error: index public.lessons_course_idx is not there [live-drift]\n"
        "    - CREATE INDEX lessons_course_idx ON public.lessons USING btree (course)\n"
    ) in done.stdout
    assert "error: table public.by_hand is made by no migration [live-drift]\n" in done.stdout


def test_a_login_that_owns_nothing_sees_the_same(applied: Workspace, reader: str) -> None:
    assert findings(applied, COURSE_DB_URL=reader) == []
    applied.query("ALTER TABLE courses ALTER COLUMN title DROP NOT NULL")
    assert messages(findings(applied, COURSE_DB_URL=reader)) == [
        "column public.courses.title is not what the migrations make"
    ]


@pytest.mark.parametrize("name", ["App", "App User", "user", "my-app", 'a"b', "straße"])
def test_owners_have_any_name(own: OwnServer, workspace: Workspace, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    own.query(f"CREATE ROLE {quoted} LOGIN")
    own.query("CREATE ROLE looker LOGIN")
    own.query(f"CREATE DATABASE app OWNER {quoted}")
    more = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO looker;\n"
    more += "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
    more += "GRANT INSERT ON courses TO looker;\n"
    more += f"ALTER TABLE courses ENABLE ROW LEVEL SECURITY;\n{UP}"
    more += "\nCREATE POLICY own ON courses TO CURRENT_USER, looker USING (true);"
    workspace.add("001", f"{UP}\n{more}", "SELECT 1;")
    (workspace.root / "sql/course/shadow.sql").write_text("CREATE ROLE looker;\n")
    url = own.url("app", name)
    done = workspace.run("migrate", "--database", "course", environment={"COURSE_DB_URL": url})
    assert done.returncode == 0, done.stderr
    assert findings(workspace, COURSE_DB_URL=url) == []
    assert findings(workspace, COURSE_DB_URL=url, MIGRATION_ROLE=name) == []


def test_so_it_is_through_a_pooler(applied: Workspace, postgres: Server) -> None:
    [(name,)] = applied.query("SELECT current_database()")
    applied.query("ALTER TABLE courses ADD COLUMN price int")
    with bouncer(postgres.socket, cluster.PORT) as url:
        pooled = url(str(name), "migrator")
        assert messages(findings(applied, COURSE_DB_URL=pooled)) == [
            "column public.courses.price is made by no migration"
        ]


def test_what_is_ignored_by_name_is_not_compared(applied: Workspace) -> None:
    applied.query("CREATE SCHEMA audit; CREATE TABLE audit.log (id int PRIMARY KEY)")
    applied.query("CREATE INDEX report_title ON courses (title); CREATE TABLE kept (id int)")
    applied.query("CREATE TABLE flyway_schema_history (id int)")
    ini = applied.root / "alembic.ini"
    section = "[course]\nignore =\n    audit\n    audit.*\n    index public.report_*\n"
    ini.write_text(ini.read_text().replace("[course]\n", section))
    assert messages(findings(applied)) == ["table public.kept is made by no migration"]


def test_a_locked_table_is_not_waited_for(applied: Workspace) -> None:
    with closing(psycopg2.connect(applied.urls["course"], application_name="a job")) as other:
        cursor = other.cursor()
        cursor.execute("ALTER TABLE lessons ADD COLUMN late int")
        cursor.execute("LOCK TABLE courses IN ACCESS EXCLUSIVE MODE")
        pid = other.info.backend_pid
        applied.query("CREATE TABLE by_hand (id int)")
        begin = time.monotonic()
        found = findings(applied)
        assert time.monotonic() - begin < 20
    assert messages(found, "live-not-compared") == [
        f"not compared: table public.courses: it is locked by pid {pid} (a job)",
        f"not compared: table public.lessons: it is locked by pid {pid} (a job)",
        "not compared: public.titles: it reads a table that is locked",
    ]
    assert messages(found) == ["table public.by_hand is made by no migration"]


def test_it_only_reads(own: OwnServer, workspace: Workspace) -> None:
    workspace.add("001", UP, "SELECT 1;")
    own.query("CREATE DATABASE app")
    url = own.url("app")
    migrated = workspace.run("migrate", "--database", "course", environment={"COURSE_DB_URL": url})
    assert migrated.returncode == 0, migrated.stderr
    own.query("ALTER SYSTEM SET log_statement = 'all'")
    own.query("SELECT pg_reload_conf()")
    own.query("SELECT 'from here on'")
    assert findings(workspace, COURSE_DB_URL=url) == []
    lines = own.log().partition("from here on")[2]
    words = set(re.findall(r"statement:\s+(\w+)", lines))
    assert words <= {"SELECT", "SET", "BEGIN", "ROLLBACK", "COMMIT", "SAVEPOINT", "WITH", "SHOW"}
    assert "SELECT" in words


def test_what_is_not_in_this_checkout_cannot_be_compared(applied: Workspace) -> None:
    applied.add_tables("002")
    applied.upgrade()
    applied.remove("002")
    (what,) = messages(findings(applied), "live-not-compared")
    assert what == ("not compared: the catalog: 1 of its migrations is not in this checkout")


def test_an_up_that_fails_on_the_shadow_is_said(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE theirs (id int)")
    workspace.add("001", "ALTER TABLE theirs ADD COLUMN IF NOT EXISTS a int;", "SELECT 1;")
    workspace.upgrade()
    (what,) = messages(findings(workspace), "live-not-compared")
    assert what.startswith("not compared: the catalog: the UP of 001_step.sql fails on the shadow")
    shadow = workspace.root / "sql/course/shadow.sql"
    shadow.write_text("CREATE TABLE theirs (id int);\n")
    assert findings(workspace) == []


@pytest.mark.parametrize("environment", ["auth", "course"])
def test_this_projects_databases_on_15_are_what_a_shadow_on_18_has(environment: str) -> None:
    debian = debian_bin()
    required("PostgreSQL of Debian", found=debian is not None)
    assert debian is not None
    with own_server(debian) as old:
        old.query("CREATE DATABASE app")
        variables = {**os.environ, f"{environment.upper()}_DB_URL": old.url("app")}
        for script, *more in (("migrate",), ("validate", "--live")):
            done = subprocess.run(
                [sys.executable, f"scripts/{script}.py", "--database", environment, *more],
                cwd=REPOSITORY,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert "live-drift" not in done.stdout
