"""validate.py --live among others: their logins, their locks, what they change meanwhile."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded import cluster
from scripts.embedded.server import Server
from tests.support.companions import bouncer
from tests.support.live import LIVE, UP, findings, messages
from tests.support.servers import OwnServer, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


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


def test_a_login_that_owns_nothing_sees_the_same(applied: Workspace, reader: str) -> None:
    assert findings(applied, COURSE_DB_URL=reader) == []
    applied.query("ALTER TABLE courses ALTER COLUMN title DROP NOT NULL")
    assert messages(findings(applied, COURSE_DB_URL=reader)) == [
        "column public.courses.title is not what the migrations make"
    ]


def test_so_it_is_through_a_pooler(applied: Workspace, postgres: Server) -> None:
    [(name,)] = applied.query("SELECT current_database()")
    applied.query("ALTER TABLE courses ADD COLUMN price int")
    with bouncer(postgres.socket, cluster.PORT) as url:
        pooled = url(str(name), "migrator")
        assert messages(findings(applied, COURSE_DB_URL=pooled)) == [
            "column public.courses.price is made by no migration"
        ]


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
