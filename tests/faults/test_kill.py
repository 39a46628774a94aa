"""The runner killed with SIGKILL at any moment, then run again: as if nothing had happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.embedded.server import Server
from tests.conftest import OWNER, new_database
from tests.servers import until
from tests.workspace import Workspace

pytestmark = pytest.mark.database
MIGRATIONS = 30
KILLS = 50
SHARES = 5
"""The kills are dealt to so many tests, for several workers."""
EXPECTED = [f"{number:03}" for number in range(1, MIGRATIONS + 1)]


def write_history(workspace: Workspace) -> None:
    """Write 30 idempotent migrations; every fifth runs outside a transaction."""
    workspace.add("001", "CREATE TABLE IF NOT EXISTS runs (version text PRIMARY KEY, n int);")
    for version in EXPECTED[1:]:
        note = f"INSERT INTO runs VALUES ('{version}', 1) ON CONFLICT DO NOTHING;"
        if int(version) % 5 == 0:
            workspace.add(
                version,
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i_{version} ON runs (n);\n{note}",
                f"-- DROP INDEX CONCURRENTLY IF EXISTS i_{version};",
                header="-- Transaction: none\n",
            )
        else:
            # Without IF NOT EXISTS: a transactional one that had half an effect would fail now.
            workspace.add(
                version,
                f"CREATE TABLE t_{version} (id int);\n{note}\nSELECT pg_sleep(0.002);",
                f"-- DROP TABLE IF EXISTS t_{version};",
            )


def run(workspace: Workspace) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "scripts/migrate.py", "--database", "course"],
        cwd=workspace.root,
        env=workspace.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ledger(workspace: Workspace) -> list[tuple[object, ...]]:
    return workspace.query(
        "SELECT version, filename, checksum, rollback_sql, rollback_checksum, description"
        " FROM schema_migrations ORDER BY version"
    )


def first_step(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    line = process.stdout.readline()
    assert "applied 001" in line, line + process.communicate()[0]


@pytest.mark.parametrize("share", range(SHARES))
def test_a_killed_run_is_finished_by_the_next_one(
    workspace: Workspace, postgres: Server, worker_id: str, share: int
) -> None:
    write_history(workspace)
    undisturbed = run(workspace)
    first_step(undisturbed)
    begin = time.monotonic()
    undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0
    lasts = time.monotonic() - begin
    expected = workspace.dump("course", "--exclude-table=schema_migrations"), ledger(workspace)
    assert [row[0] for row in expected[1]] == EXPECTED

    seed = random.randrange(2**32)
    moments = random.Random(seed)
    cut = 0
    for kill in range(KILLS // SHARES):
        with new_database(postgres, f"kill_{worker_id}_{share}_{kill}") as url:
            broken = Workspace(workspace.root, {**workspace.urls, "course": url}, postgres.bin)
            process = run(broken)
            first_step(process)
            time.sleep(moments.uniform(0, lasts))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            cut += broken.versions() != EXPECTED
            said = broken.run("migrate", "--database", "course")
            assert said.returncode == 0, f"seed {seed}, kill {kill}: {said.stderr}"
            found = broken.dump("course", "--exclude-table=schema_migrations"), ledger(broken)
            assert found == expected, f"seed {seed}, kill {kill}"
            assert broken.alembic_version() == EXPECTED[-1:]
    print(f"{KILLS // SHARES} kills, {cut} of them before the end (seed {seed})")
    assert cut


def test_a_killed_runs_statement_ends_soon_after_it(workspace: Workspace) -> None:
    [(version,)] = workspace.query("SELECT current_setting('server_version_num')::int")
    assert version >= 140000
    workspace.add("001", "SELECT pg_sleep(600);")
    process = run(workspace)
    at_work = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND state = 'active' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
    )
    until(lambda: workspace.query(at_work), "the statement to run")
    process.kill()
    process.communicate()
    until(lambda: not workspace.query(at_work), "the server to notice that its client has gone")


def test_a_build_that_was_killed_is_told_by_the_log_and_mended_by_the_next_run(
    workspace: Workspace,
) -> None:
    workspace.query("CREATE TABLE a (id int)")
    workspace.add(
        "001",
        "SELECT 1;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);",
        header="-- Transaction: none\n",
    )
    building = "SELECT pid FROM pg_stat_progress_create_index"
    with closing(psycopg2.connect(workspace.urls["course"])) as old:
        old.cursor().execute("INSERT INTO a VALUES (1)")
        process = run(workspace)
        until(lambda: workspace.query(building), "the build to begin")
        process.kill()
        process.communicate()
        until(lambda: not workspace.query(building), "the build to end with its client")
    assert workspace.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass") == [
        (False,)
    ]
    assert workspace.query(
        "SELECT event, statement, line FROM schema_migrations_events ORDER BY id DESC LIMIT 1"
    ) == [("statement", 2, 7)]
    said = workspace.run("migrate", "--database", "course")
    assert "dropped the invalid index i, which a failed build had left" in said.stdout
    assert workspace.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass") == [
        (True,)
    ]


def test_the_owner_of_the_tests_is_no_superuser(workspace: Workspace) -> None:
    assert workspace.query(
        "SELECT current_user::text, usesuper FROM pg_user WHERE usename = current_user"
    ) == [(OWNER, False)]
