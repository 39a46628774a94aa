"""validate.py --live: whether a database is what the files say, as operators ask it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
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
from tests.support.servers import OwnServer, debian_bin, own_server, required, until
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


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("table public.theirs", "CREATE TABLE theirs (id int PRIMARY KEY, name text NOT NULL)"),
        ("column public.courses.*", "ALTER TABLE courses ADD COLUMN price int"),
        ("public.their*", 'CREATE TABLE "theirs 2" (id int); CREATE VIEW theirs AS SELECT 1 AS i'),
        ("nothing", "CREATE SCHEMA drizzle; CREATE TABLE drizzle.migrations (id int)"),
    ],
)
def test_what_a_pattern_is_for_goes_with_its_parts(
    applied: Workspace, pattern: str, made: str
) -> None:
    applied.query(made)
    ini = applied.root / "alembic.ini"
    ini.write_text(ini.read_text().replace("[course]\n", f"[course]\nignore = {pattern}\n"))
    assert messages(findings(applied)) == []


def test_a_foreign_key_that_is_not_checked_any_more_is_drift(
    applied: Workspace, postgres: Server
) -> None:
    [(name,)] = applied.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(str(name)))) as admin:
        # As a load of data leaves it that was cut short.
        admin.cursor().execute("ALTER TABLE courses DISABLE TRIGGER ALL")
        admin.commit()
    (found,) = [one for one in findings(applied) if one["code"] == "live-drift"]
    assert found["message"] == (
        "constraint public.lessons.lessons_course_fkey is not what the migrations make"
    )
    assert found["detail"] == (
        "+ ALTER CONSTRAINT public.lessons.lessons_course_fkey -- not checked true"
    )


def test_who_waits_for_a_table_keeps_others_from_it(applied: Workspace) -> None:
    url = applied.urls["course"]
    with closing(psycopg2.connect(url)) as report, closing(psycopg2.connect(url)) as other:
        report.cursor().execute("SELECT * FROM courses")
        waits = threading.Thread(
            target=lambda: other.cursor().execute("ALTER TABLE courses ADD COLUMN late int")
        )
        waits.start()
        until(
            lambda: applied.query("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(1,)],
            "the ALTER to wait",
        )
        applied.query("CREATE TABLE by_hand (id int)")
        found = findings(applied)
        pid = other.info.backend_pid
        report.rollback()
        waits.join()
    assert messages(found, "live-not-compared") == [
        f"not compared: table public.courses is locked by pid {pid}",
        "not compared: public.titles reads a table that is locked",
    ]
    assert messages(found) == ["table public.by_hand is made by no migration"]


def test_a_login_that_may_not_read_the_ledger_is_told_what_it_needs(
    applied: Workspace, reader: str
) -> None:
    role = reader.partition("//")[2].partition("@")[0]
    applied.query(f"REVOKE ALL ON schema_migrations FROM {role}")
    done = applied.run("validate", *LIVE, environment={"COURSE_DB_URL": reader})
    assert done.returncode == 1
    assert "help:   GRANT SELECT to the login, on the ledger, its event log" in done.stderr


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
        f"not compared: table public.courses is locked by pid {pid} (a job)",
        f"not compared: table public.lessons is locked by pid {pid} (a job)",
        "not compared: public.titles reads a table that is locked",
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


def test_what_others_make_and_drop_meanwhile_is_no_error(applied: Workspace) -> None:
    ended = threading.Event()

    def churn(name: str) -> None:
        with closing(psycopg2.connect(applied.urls["course"])) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not ended.is_set():
                cursor.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, t text DEFAULT 'x')")
                cursor.execute(f"CREATE VIEW {name}_v AS SELECT * FROM {name} WHERE id > 1")
                cursor.execute(f"DROP TABLE {name} CASCADE")

    others = [threading.Thread(target=churn, args=(f"others_{n}",)) for n in range(2)]
    for one in others:
        one.start()
    try:
        for _ in range(3):
            found = findings(applied)
            assert [one for one in messages(found) if "others_" not in one] == []
    finally:
        ended.set()
        for one in others:
            one.join()


def test_what_may_be_secret_is_not_shown(applied: Workspace, postgres: Server) -> None:
    [(name,)] = applied.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(str(name)))) as admin:
        cursor = admin.cursor()
        cursor.execute(f"ALTER DATABASE \"{name}\" SET app.jwt_secret = 's3cr3t'")
        cursor.execute(f"ALTER DATABASE \"{name}\" SET app.color = 'red'")
        admin.commit()
    (found,) = [one for one in findings(applied) if one["code"] == "live-drift"]
    assert "s3cr3t" not in json.dumps(found)
    assert "app.jwt_secret" in found["detail"]
    assert "red" in found["detail"]


def test_a_login_takes_the_role_if_it_may_not_read_without(
    applied: Workspace, postgres: Server
) -> None:
    role = f"login_{uuid.uuid4().hex[:8]}"
    with closing(psycopg2.connect(postgres.url("postgres"))) as admin:
        admin.autocommit = True
        admin.cursor().execute(f"CREATE ROLE {role} LOGIN NOINHERIT; GRANT migrator TO {role}")
        url = applied.urls["course"].replace("migrator@", f"{role}@")
        assert findings(applied, COURSE_DB_URL=url, MIGRATION_ROLE="migrator") == []
        admin.cursor().execute(f"DROP ROLE {role}")


def test_a_database_without_a_ledger_is_not_compared(workspace: Workspace) -> None:
    workspace.add("001", UP, "SELECT 1;")
    workspace.query("CREATE TABLE theirs (id int)")
    found = findings(workspace)
    assert messages(found) == []
    (what,) = messages(found, "live-not-compared")
    assert what == (
        "not compared: the catalog: no migration is in the ledger public.schema_migrations"
    )


def test_what_stands_for_something_else_is_not_compared(
    workspace: Workspace, postgres: Server
) -> None:
    made = "CREATE SCHEMA others; CREATE TABLE others.users (id int PRIMARY KEY);"
    privileges = "ALTER DEFAULT PRIVILEGES IN SCHEMA others GRANT SELECT ON TABLES TO PUBLIC;"
    workspace.query(made)
    workspace.query("ALTER TABLE others.users ADD COLUMN name text")
    workspace.query("CREATE TABLE others.sessions (id int)")
    up = "CREATE TABLE IF NOT EXISTS notes (by int REFERENCES others.users (id));"
    workspace.add("001", up, "SELECT 1;")
    workspace.upgrade()
    (workspace.root / "sql/course/shadow.sql").write_text(f"{made}\n{privileges}\n")
    assert findings(workspace) == []
    workspace.query("DROP TABLE notes")
    assert messages(findings(workspace)) == ["table public.notes is not there"]


def test_data_is_no_drift(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS parts (id int PRIMARY KEY) PARTITION BY LIST (id);\n"
        "CREATE TABLE IF NOT EXISTS parts_1 PARTITION OF parts FOR VALUES IN (1);\n"
        "CREATE TABLE IF NOT EXISTS of_parts (id int REFERENCES parts (id));\n"
        "CREATE MATERIALIZED VIEW IF NOT EXISTS counted AS SELECT count(*) FROM parts"
        " WITH NO DATA;",
        "SELECT 1;",
    )
    workspace.upgrade()
    workspace.query("REFRESH MATERIALIZED VIEW counted")
    workspace.query("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2)")
    ini = workspace.root / "alembic.ini"
    ignored = "[course]\nignore = public.parts_[0-9]*\n"
    ini.write_text(ini.read_text().replace("[course]\n", ignored))
    assert findings(workspace) == []


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
    (what,) = messages(findings(workspace), "live-not-comparable")
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
