"""A history that is killed at random moments and run again: for tests and for `make soak`."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from dataclasses import dataclass

from tests.support.doors import DOORS, start
from tests.support.workspace import Workspace

MIGRATIONS = 30
_STEPS = 3
"""A kill comes so many steps after a random one at most: building an index takes longer."""
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


def ledger(workspace: Workspace) -> list[tuple[object, ...]]:
    return workspace.query(
        "SELECT version, filename, checksum, rollback_sql, rollback_checksum, description"
        " FROM schema_migrations ORDER BY version"
    )


def reach(process: subprocess.Popen[str], version: str) -> None:
    """Wait until a run says that a version is applied."""
    assert process.stdout
    said = ""
    while f"applied {version}" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody kills."""

    schema: str
    ledger: list[tuple[object, ...]]
    lasts: float
    """Seconds from the first step to the last."""


def undisturbed(workspace: Workspace) -> Undisturbed:
    """Write the history and run it."""
    write_history(workspace)
    process = start(workspace, *DOORS["migrate"])
    reach(process, EXPECTED[0])
    begin = time.monotonic()
    reach(process, EXPECTED[-1])
    lasts = time.monotonic() - begin
    process.communicate(timeout=60)
    assert process.returncode == 0
    rows = ledger(workspace)
    assert [row[0] for row in rows] == EXPECTED
    return Undisturbed(schema(workspace), rows, lasts)


def kill_and_repeat(workspace: Workspace, wanted: Undisturbed, moments: random.Random) -> bool:
    """Kill a run on an empty database at a random moment, run again, and compare.

    Returns:
        Whether the kill came before the run's end.

    Raises:
        AssertionError: when anything differs from what an undisturbed run leaves.
    """
    process = start(workspace, *DOORS["migrate"])
    # Counted in steps, which say how far it is: how long they last depends on what else runs.
    reach(process, moments.choice(EXPECTED[:-1]))
    time.sleep(moments.uniform(0, _STEPS * wanted.lasts / MIGRATIONS))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    cut = workspace.versions() != EXPECTED
    said = workspace.run("migrate", "--database", "course")
    assert said.returncode == 0, said.stderr
    assert schema(workspace) == wanted.schema
    assert ledger(workspace) == wanted.ledger
    assert workspace.alembic_version() == EXPECTED[-1:]
    return cut


def schema(workspace: Workspace) -> str:
    """Return schema and data, but for the ledger, whose times differ."""
    return workspace.dump("course", "--exclude-table=schema_migrations")
