"""The session of the lock goes away during a run: another run may begin, and this one stops."""

from __future__ import annotations

import subprocess
from contextlib import closing

import psycopg2
import pytest

from scripts.errors import LockError
from tests.support.doors import DOORS, start
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HELD, LATER = 41, 42
"""Advisory locks of a test, at which the statements of a file wait."""
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 0"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND objid = {}"
)
HOLDER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid <> 0"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class TwoRuns:
    """A run inside a file outside a transaction, and another one that waits for it."""

    def __init__(self, workspace: Workspace, first: str, *then: str) -> None:
        self.workspace = workspace
        workspace.query("CREATE TABLE ran (at serial, statement int, pid int)")
        workspace.query("CREATE TABLE open ()")
        workspace.add_tables("001")
        workspace.upgrade()
        statements = [
            f"INSERT INTO ran (statement, pid) SELECT {number}, pg_backend_pid() {wait};"
            for number, wait in enumerate((first, *then), start=1)
        ]
        workspace.add("002", "\n".join(statements), header="-- Transaction: none\n")
        self.gate = psycopg2.connect(workspace.urls["course"])
        self.gate.autocommit = True

    def start(self, door: str) -> subprocess.Popen[str]:
        # However long the test takes: a statement that is held must not be tried again.
        patient = {"MIGRATION_LOCK_TIMEOUT": "10min"}
        return start(self.workspace, *DOORS[door], environment=patient)

    def do(self, text: str) -> None:
        with self.gate.cursor() as cursor:
            cursor.execute(text)

    def count(self, at: int) -> int:
        return int(self.workspace.query(WAITING.format(at))[0][0])

    def lose(self) -> int:
        """End the session of the first run that holds the lock; gives its pid."""
        [(pid,)] = self.workspace.query(HOLDER)
        self.workspace.query(f"SELECT pg_terminate_backend({pid})")
        return int(pid)

    def order(self) -> list[list[int]]:
        """Return the statements that each session ran, in order."""
        rows = self.workspace.query("SELECT pid, statement FROM ran ORDER BY at")
        sessions = dict.fromkeys(pid for pid, _ in rows)
        return [[statement for of, statement in rows if of == pid] for pid in sessions]


def wait(at: int) -> str:
    """Return what has a statement wait until a test lets it go, or has opened the way."""
    locked = f"pg_advisory_xact_lock_shared({at})::text"
    return f"FROM (SELECT CASE WHEN NOT EXISTS (SELECT FROM open) THEN {locked} END OFFSET 0) gate"


def test_a_run_that_lost_its_lock_stops_before_the_next_migration(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database());",
        "-- SELECT 1;",
    )
    workspace.add_tables("002")
    with pytest.raises(LockError, match="the lock against other runs was lost") as caught:
        workspace.upgrade()
    assert caught.value.state == "course is at 001"
    assert workspace.versions() == ["001"]
    workspace.upgrade()
    assert workspace.versions() == ["001", "002"]


def test_a_last_migration_that_ends_the_locks_session_counts_as_applied(
    workspace: Workspace,
) -> None:
    workspace.add(
        "001",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid();",
    )
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert workspace.versions() == ["001"]


@pytest.mark.parametrize("door", ["alembic", "migrate"])
def test_a_run_that_lost_its_lock_in_a_file_outside_a_transaction_stops_before_the_next_statement(
    workspace: Workspace, door: str
) -> None:
    runs = TwoRuns(workspace, wait(HELD), wait(LATER), "")
    with closing(runs.gate):
        runs.do(f"SELECT pg_advisory_lock({HELD}), pg_advisory_lock({LATER})")
        first = runs.start(door)
        until(lambda: runs.count(HELD) == 1, "the first run to be at its statement")
        second = runs.start("migrate")
        assert second.stdout
        assert "waiting for another run" in second.stdout.readline()
        runs.lose()
        until(lambda: runs.count(HELD) == 2, "the second run to be at that statement")
        runs.do(f"SELECT pg_advisory_unlock({HELD})")
        said = first.communicate(timeout=60)[0]
        runs.do(f"SELECT pg_advisory_unlock({LATER})")
        ended = second.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (4, 0), said + ended
    assert "error:  the lock against other runs was lost" in said
    assert (
        "state:  NOT rolled back, the file runs outside a transaction: 1 of its 3 statements "
        "took effect; course is at 001" in said
    )
    assert sorted(runs.order()) == [[1], [1, 2, 3]]
    assert workspace.versions() == ["001", "002"]
    assert workspace.alembic_version() == ["002"]
    assert workspace.query(
        "SELECT statement FROM schema_migrations_events WHERE event = 'failure'"
    ) == [(2,)]


def test_a_run_that_lost_its_lock_during_the_last_statement_does_not_write_the_ledger(
    workspace: Workspace,
) -> None:
    runs = TwoRuns(workspace, "", wait(HELD))
    with closing(runs.gate):
        runs.do(f"SELECT pg_advisory_lock({HELD})")
        first = runs.start("migrate")
        until(lambda: runs.count(HELD) == 1, "the first run to be at its last statement")
        second = runs.start("migrate")
        assert second.stdout
        assert "waiting for another run" in second.stdout.readline()
        runs.do("INSERT INTO open DEFAULT VALUES")  # whoever comes from here on does not wait
        runs.lose()
        ended = second.communicate(timeout=60)[0]
        runs.do(f"SELECT pg_advisory_unlock({HELD})")
        said = first.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (4, 0), said + ended
    assert (
        "2 of its 2 statements took effect; course is at 002: another run has moved it from "
        "001" in said
    )
    assert runs.order() == [[1, 2], [1, 2]]
    assert workspace.versions() == ["001", "002"]
    assert workspace.query(
        "SELECT version FROM schema_migrations_events WHERE event = 'success' ORDER BY id"
    ) == [("001",), ("002",)]
