"""validate.py --live: whether a database is what the files say, as operators ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support.live import LIVE, UP, findings, messages
from tests.support.servers import OwnServer, debian_bin, own_server, required
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """A project whose course database has its one migration."""
    workspace.add("001", UP, "SELECT 1;")
    workspace.upgrade()
    return workspace


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


def test_what_is_ignored_by_name_is_not_compared(applied: Workspace) -> None:
    applied.query("CREATE SCHEMA audit; CREATE TABLE audit.log (id int PRIMARY KEY)")
    applied.query("CREATE INDEX report_title ON courses (title); CREATE TABLE kept (id int)")
    applied.query("CREATE TABLE flyway_schema_history (id int)")
    applied.ignore("audit", "audit.*", "index public.report_*")
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
    applied.ignore(pattern)
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
    workspace.ignore("public.parts_[0-9]*")
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


@pytest.mark.parametrize(
    ("environment", "before", "job"),
    [
        ("auth", "SELECT 1", "SELECT purge_expired()"),
        ("course", "SELECT 1", "SELECT make_lesson_events_partitions()"),
        ("course", "CREATE EXTENSION pg_trgm", "SELECT 1"),
    ],
)
def test_this_projects_databases_on_15_are_what_a_shadow_on_18_has(
    environment: str, before: str, job: str
) -> None:
    debian = debian_bin()
    required("PostgreSQL of Debian", found=debian is not None)
    assert debian is not None
    with own_server(debian) as old:
        old.query("CREATE DATABASE app")
        old.query(before, "app")
        variables = {**os.environ, f"{environment.upper()}_DB_URL": old.url("app")}
        for script, *more in (("migrate",), ("validate", "--live")):
            if more:
                old.query(job, "app")  # what it makes is no drift
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
