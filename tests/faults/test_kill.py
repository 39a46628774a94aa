"""The runner killed with SIGKILL at any moment, then run again: as if nothing had happened."""

from __future__ import annotations

import random
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support import killing
from tests.support.databases import OWNER, new_database
from tests.support.doors import DOORS, start
from tests.support.servers import ASLEEP, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
KILLS = 50
SHARES = 5
"""The kills are dealt to so many tests, for several workers."""


@pytest.mark.parametrize("share", range(SHARES))
def test_a_killed_run_is_finished_by_the_next_one(
    workspace: Workspace, postgres: Server, worker_id: str, share: int
) -> None:
    wanted = killing.undisturbed(workspace)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    moments = random.Random(seed)
    cut = 0
    for kill in range(KILLS // SHARES):
        with new_database(postgres, f"kill_{worker_id}_{share}_{kill}") as url:
            broken = Workspace(workspace.root, {**workspace.urls, "course": url}, postgres.bin)
            cut += killing.kill_and_repeat(broken, wanted, moments)
    assert cut, "no kill came before the end"


def test_a_killed_runs_statement_ends_soon_after_it(workspace: Workspace) -> None:
    [(version,)] = workspace.query("SELECT current_setting('server_version_num')::int")
    assert version >= 140000
    workspace.add("001", "SELECT pg_sleep(600);")
    process = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    process.kill()
    process.communicate()
    until(lambda: not workspace.query(ASLEEP), "the server to notice that its client has gone")


def test_a_build_that_was_killed_is_told_by_the_log_and_mended_by_the_next_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However late the kill comes, the build still waits, and is not at its next try.
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "10min")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add(
        "001",
        "SELECT 1;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);",
        header="-- Transaction: none\n",
    )
    index = "SELECT indisvalid FROM pg_index WHERE indrelid = 'a'::regclass"
    building = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
    with closing(psycopg2.connect(workspace.urls["course"])) as old:
        old.cursor().execute("INSERT INTO a VALUES (1)")
        process = start(workspace, *DOORS["migrate"])
        # Its progress is shown before the transaction that makes the index has committed.
        until(lambda: workspace.query(index), "the build to leave something behind")
        process.kill()
        process.communicate()
        until(lambda: not workspace.query(building), "the build to end with its client")
    assert workspace.query(index) == [(False,)]
    assert workspace.query(
        "SELECT event, statement, line FROM schema_migrations_events ORDER BY id DESC LIMIT 1"
    ) == [("statement", 2, 7)]
    said = workspace.run("migrate", "--database", "course")
    assert "dropped the invalid index public.i, which a failed build had left" in said.stdout
    assert workspace.query(index) == [(True,)]


def test_the_owner_of_the_tests_is_no_superuser(workspace: Workspace) -> None:
    assert workspace.query(
        "SELECT current_user::text, usesuper FROM pg_user WHERE usename = current_user"
    ) == [(OWNER, False)]
