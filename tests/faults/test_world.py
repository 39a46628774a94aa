"""What happens around a run: the checkout, a server's clock and language, copies of a database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support.doors import DOORS, start
from tests.support.servers import (
    ASLEEP,
    PATIENCE,
    OwnServer,
    debian_bin,
    own_server,
    required,
    until,
)
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
# Root reads everything unless it gives that up.
_NO_OVERRIDE = "-dac_override,-dac_read_search"
WITHOUT_PRIVILEGES = (
    ("setpriv", f"--bounding-set={_NO_OVERRIDE}", f"--inh-caps={_NO_OVERRIDE}")
    if os.geteuid() == 0
    else ()
)


def on(workspace: Workspace, url: str) -> Workspace:
    """Return the project with another course database."""
    return replace(workspace, urls={**workspace.urls, "course": url})


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode & 0o777
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("sql/course/002_step.sql", "error:  permission denied\nat:     course: {root}/{what}\n"),
        ("sql/course", "error:  permission denied\n"),
        ("course/versions", "error:  permission denied\n"),
        (".env", "error:  .env cannot be read: permission denied\n"),
        ("alembic.ini", "error:  alembic.ini cannot be read: permission denied\n"),
    ],
)
def test_a_part_of_the_checkout_that_cannot_be_read_is_named_before_anything(
    workspace: Workspace, own: OwnServer, what: str, said: str
) -> None:
    required("setpriv", found=not WITHOUT_PRIVILEGES or shutil.which("setpriv") is not None)
    here = on(workspace, own.url())
    here.add_tables("001", "002")
    (here.root / ".env").touch()
    with unreadable(here.root / what):
        done = here.execute(*WITHOUT_PRIVILEGES, sys.executable, *DOORS["migrate"])
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(said.format(root=here.root, what=what)), done.stderr
    assert "Traceback" not in done.stderr
    assert own.query("SELECT to_regclass('schema_migrations')") == [(None,)]


def test_a_restored_database_goes_on_from_where_its_dump_was(
    workspace: Workspace, own: OwnServer
) -> None:
    here = on(workspace, own.url("live"))
    own.query("CREATE DATABASE live")
    own.query("CREATE TABLE t_001 (id int); INSERT INTO t_001 VALUES (7)", "live")
    here.add_tables("001", "002", "003")
    upgraded = here.execute(
        sys.executable, "scripts/migrate.py", "--database", "course", "--to", "2"
    )
    assert upgraded.returncode == 0, upgraded.stderr
    dump = own.folder / "dump"
    where = ("-h", str(own.folder), "-p", str(own.port), "-U", "postgres")
    own.run("pg_dump", *where, "-f", str(dump), "live")
    assert here.execute(sys.executable, *DOORS["migrate"]).returncode == 0
    own.query("DROP DATABASE live")
    own.query("CREATE DATABASE live")
    own.run("psql", "-q", *where, "-f", str(dump), "live")
    state = here.run("status", "--database", "course")
    assert "\n  at 002, 2 applied, 1 pending\n" in state.stdout
    assert here.execute(sys.executable, *DOORS["migrate"]).returncode == 0
    # What existed before the first migration is still known to have, by its name.
    back = here.run("rollback", "--database", "course", "--to", "base", "--yes")
    assert back.returncode == 1
    assert "t_001" in back.stderr
    assert own.query("SELECT id FROM t_001", "live") == [(7,)]


def test_a_clone_of_a_database_has_a_ledger_of_its_own(
    workspace: Workspace, own: OwnServer
) -> None:
    original, clone = on(workspace, own.url("live")), on(workspace, own.url("clone"))
    own.query("CREATE DATABASE live")
    workspace.add_tables("001", "002")
    migrate = (sys.executable, "scripts/migrate.py", "--database", "course")
    assert original.execute(*migrate, "--to", "1").returncode == 0
    own.query("CREATE DATABASE clone TEMPLATE live")
    assert clone.execute(*migrate).returncode == 0
    back = original.run("rollback", "--database", "course", "--to", "base", "--yes")
    assert back.returncode == 0
    ledger = "SELECT version FROM schema_migrations ORDER BY 1"
    assert own.query(ledger, "live") == []
    assert own.query(ledger, "clone") == [("001",), ("002",)]
    assert own.query("SELECT to_regclass('t_001') IS NOT NULL", "clone") == [(True,)]


@pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
def test_a_clock_that_went_back_changes_nothing(workspace: Workspace, header: str) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a ();", "DROP TABLE a;", header=header)
    workspace.add(
        "002", "CREATE TABLE IF NOT EXISTS b ();\nSELECT 1/0;", "DROP TABLE b;", header=header
    )
    assert workspace.run("migrate", "--database", "course").returncode == 1
    # As if it had been a day ahead until now.
    workspace.query("UPDATE schema_migrations SET applied_at = applied_at + '1 day'")
    workspace.query("UPDATE schema_migrations_events SET at = at + '1 day'")
    [(path)] = (workspace.root / "sql/course").glob("002*")
    path.write_text(path.read_text().replace("1/0", "1/1"))
    workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
    assert not workspace.state().partial
    workspace.downgrade("001")
    workspace.upgrade()
    workspace.downgrade("base")
    assert workspace.versions() == []
    assert workspace.tables() == []


def test_a_server_of_another_language_is_understood(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, german = debian_bin(), Path("/usr/share/i18n/locales/de_DE").exists()
    required("Debian's PostgreSQL, and the source of a locale", found=bool(found) and german)
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "200ms")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "1")
    with own_server(found, start=False) as server:
        made = server.folder / "de_DE.UTF-8"
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(made)], check=True)
        monkeypatch.setenv("LOCPATH", str(server.folder))
        server.settings = {"lc_messages": made.name}
        server.start()
        here = on(workspace, server.url())
        here.add_tables("001")
        path = here.add("002", "SELECT 1/0;")
        done = here.execute(sys.executable, *DOORS["migrate"])
        assert "error:  Division durch Null [22012]" in done.stderr
        path.write_text(
            path.read_text().replace("SELECT 1/0", "ALTER TABLE t_001 ADD COLUMN x int")
        )
        with closing(psycopg2.connect(server.url())) as other:
            other.cursor().execute("LOCK TABLE t_001")
            done = here.execute(sys.executable, *DOORS["migrate"])
        assert "[55P03]" in done.stderr
        assert "tried 2 times" in done.stderr
        here.add(
            "003", "CREATE INDEX CONCURRENTLY i ON t_001 (id);", header="-- Transaction: none\n"
        )
        assert here.execute(sys.executable, *DOORS["migrate"]).returncode == 0
        missing = on(workspace, server.url("missing"))
        quick = {"MIGRATION_CONNECT_WAIT": "1s"}
        done = missing.execute(sys.executable, *DOORS["migrate"], environment=quick)
        assert done.returncode == 1
        assert "Datenbank »missing« existiert nicht" in done.stderr


def test_a_database_cannot_be_renamed_while_a_run_is_at_work(
    workspace: Workspace, postgres: Server
) -> None:
    workspace.add("001", "SELECT pg_sleep(600);")
    [(name,)] = workspace.query("SELECT current_database()")
    run = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    with closing(psycopg2.connect(postgres.url("postgres"))) as admin:
        admin.autocommit = True
        with pytest.raises(psycopg2.errors.ObjectInUse):
            admin.cursor().execute(f"ALTER DATABASE {name} RENAME TO {name}_now")
    run.terminate()
    run.communicate(timeout=PATIENCE)
    assert run.returncode == 143


def test_two_projects_share_a_database_with_a_ledger_in_a_schema_each(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = Workspace.make(tmp_path / "other", workspace.urls, workspace.bin)
    workspace.add("001", "CREATE TABLE mine ();\nSELECT pg_sleep(1);", "DROP TABLE mine;")
    other.add("001", "CREATE TABLE theirs ();", "DROP TABLE theirs;")
    other.add("002", "CREATE TABLE theirs_too ();", "DROP TABLE theirs_too;")
    ours, theirs = {"MIGRATION_TABLE": "a.ledger"}, {"MIGRATION_TABLE": "b.ledger"}
    run = start(workspace, *DOORS["migrate"], environment=ours)
    until(lambda: workspace.query(ASLEEP), "the first project to be at work")
    # Each has a lock of its own: the second does not wait for the first.
    assert "waiting" not in other.run("migrate", "--database", "course", environment=theirs).stdout
    run.communicate(timeout=PATIENCE)
    assert run.returncode == 0
    back = other.run("rollback", "--database", "course", "--yes", environment=theirs)
    assert back.returncode == 0, back.stderr
    assert workspace.tables() == ["mine", "theirs"]
    for schema, versions in (("a", ["001"]), ("b", ["001"])):
        assert workspace.query(f"SELECT array_agg(version) FROM {schema}.ledger") == [(versions,)]
        assert workspace.query(f"SELECT version_num FROM {schema}.alembic_version") == [("001",)]
    state = workspace.run("status", "--database", "course", environment=ours)
    assert "\n  at 001, 1 applied, 0 pending\n" in state.stdout


def test_an_autovacuum_against_wraparound_is_named_as_the_blocker(workspace: Workspace) -> None:
    slow = {
        "autovacuum": "on",
        "autovacuum_naptime": "1s",
        "autovacuum_freeze_max_age": "100000",
        "autovacuum_vacuum_cost_delay": "100ms",
        "autovacuum_vacuum_cost_limit": "1",
        "autovacuum_max_workers": "1",
    }
    with own_server(settings=slow) as server:
        here = on(workspace, server.url())
        server.query("CREATE TABLE a AS SELECT repeat('x', 500) t FROM generate_series(1, 20000)")
        server.query(
            "DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$"
        )
        vacuum = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%public.a %wraparound)'"
        until(lambda: server.query(vacuum), "autovacuum to be at work")
        here.add("001", "ALTER TABLE a ADD COLUMN x int;")
        quick = {"MIGRATION_LOCK_TIMEOUT": "2s", "MIGRATION_LOCK_RETRIES": "0"}
        done = here.execute(sys.executable, *DOORS["migrate"], environment=quick)
    assert done.returncode == 1
    assert "holds SHARE UPDATE EXCLUSIVE" in done.stderr, done.stderr
    assert re.search(
        r"autovacuum: VACUUM( ANALYZE)? public\.a \(to prevent wraparound\)"
        " - wait for it: if it is ended, it begins again",
        done.stderr,
    )
