"""Measures the proof: a snapshot of a large catalog, and migrations that are run on a shadow."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg2

from scripts.catalog import snapshot
from scripts.catalog.probe import Probe
from tests.tools import workloads
from tests.tools.figures import Figure
from tests.tools.measuring import Spread
from tests.tools.workbench import ROUNDS, Bench


def snapshots(bench: Bench) -> Iterator[Figure]:
    """Measure a snapshot of 1000 tables with an index each: alone, and as one of many."""
    bench.recreate()
    bench.psql(bench.script("tables.sql", workloads.upgrades(1000)))
    for name, again in (("a snapshot of 1000 tables", False), ("the same, prepared", True)):
        taken = []
        with closing(psycopg2.connect(bench.postgres.url("course"))) as connection:
            if again:
                snapshot.take(connection, again=True)
            for _ in range(2 * ROUNDS + 1):
                begin = time.perf_counter()
                snapshot.take(connection, again=again)
                taken.append(time.perf_counter() - begin)
        yield Figure(name, f"{Spread.of(taken):.2f} s", "", "", "0.2 s")


def probe(bench: Bench) -> Iterator[Figure]:
    """Measure a snapshot after one change of 1000 tables, as a proof takes it."""
    bench.recreate()
    bench.psql(bench.script("tables.sql", workloads.upgrades(1000)))
    taken = []
    with closing(psycopg2.connect(bench.postgres.url("course"))) as connection:
        again = Probe(connection, lambda _: True)
        again.take()
        with connection.cursor() as cursor:
            for number in range(1, 2 * ROUNDS + 2):
                cursor.execute(f"ALTER TABLE bench_{number:05} ADD COLUMN more integer")
                begin = time.perf_counter()
                again.take()
                taken.append((time.perf_counter() - begin) * 1000)
    yield Figure("the same after one change", f"{Spread.of(taken):.0f} ms", "", "", "20 ms")


def shadow(bench: Bench) -> Iterator[Figure]:
    """Measure the proof of migrations of three statements, with the server that it starts."""
    command = (sys.executable, "scripts/validate.py", "--shadow", "--database", "course")
    for size, rounds, goal in ((100, ROUNDS, "6 s"), (1000, 1, "75 s")):
        workspace = bench.history(size)
        taken = [bench.run(command, workspace.root) for _ in range(rounds)]
        wall = Spread.of([one.wall for one in taken])
        yield Figure(f"validate.py --shadow, {size} migrations", f"{wall:.1f} s", "", "", goal)
