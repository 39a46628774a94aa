"""Measure what people wait for, against psql and the driver alone doing the same in the same run.

    make bench                # all of the table
    make bench ONLY=rollback  # the rows with that in their name
    make bench ROUNDS=5       # more runs of each

An ordinary server (fsync on); whole processes, in turns with what they are compared with. CPU is
user and system time of the client; a floor is the driver's import, one connection and one query.
Figures are medians, with the smallest and the largest.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.embedded import server
from tests.support.servers import own_server
from tests.tools import proofs, workloads
from tests.tools.delay import delayed
from tests.tools.figures import Figure, of_floor, of_wall
from tests.tools.measuring import Spread, Taken, in_turns, ratio
from tests.tools.workbench import MIGRATE, ROLL_BACK, ROUNDS, Bench

LATENCY = 0.001
"""Seconds that are added each way."""


def idle(bench: Bench, size: int, goal: str) -> Iterator[Figure]:
    """Measure a run that has nothing to do, in both databases, and one rollback and its upgrade."""
    workspace = bench.applied(size)
    both = (sys.executable, "scripts/migrate.py")
    ours, floors = in_turns(2 * ROUNDS + 1, lambda: bench.run(both, workspace.root), bench.floor)
    yield of_floor(f"nothing to do, {size} migrations, both databases", ours, floors, goal)
    if size > 1000:
        peak = Spread.of([one.memory for one in ours])
        yield Figure(f"the same, peak memory, {size}", f"{peak:.0f} MB", "", "", "64 MB")
    down, up = in_turns(
        ROUNDS,
        lambda: bench.run(ROLL_BACK, workspace.root),
        lambda: bench.run(MIGRATE, workspace.root),
    )
    yield of_floor(f"rollback of 1 of {size}, CPU", down, floors[:ROUNDS], "7")
    yield of_floor(f"apply 1 above {size - 1}, CPU", up, floors[:ROUNDS], "")


def one(bench: Bench) -> Iterator[Figure]:
    """Measure the first migration of a new database."""
    workspace = bench.history(1)

    def fresh() -> Taken:
        bench.recreate()
        return bench.run(MIGRATE, workspace.root)

    ours, floors = in_turns(2 * ROUNDS + 1, fresh, bench.floor)
    yield of_floor("apply 1, CPU", ours, floors, "3")


def thousand(bench: Bench) -> Iterator[Figure]:
    """Measure a long history, up and down, against psql and the driver alone."""
    workspace, size = bench.history(1000), 1000
    script = bench.script("up.sql", workloads.upgrades(size))
    back = bench.script("down.sql", workloads.downgrades(size))
    plain = bench.script("plain.py", workloads.PLAIN)
    alone = bench.script(
        "driver.sql",
        workloads.TRACKING
        + "".join(
            f"-- next\n{workloads.up(n)}\nINSERT INTO tracking (version) VALUES ('{n:05}');\n"
            for n in range(1, size + 1)
        ),
    )
    ours_down: list[Taken] = []
    theirs_down: list[Taken] = []

    def up_and_down() -> Taken:
        bench.recreate()
        taken = bench.run(MIGRATE, workspace.root)
        ours_down.append(bench.run((*ROLL_BACK, "--to", "base"), workspace.root))
        return taken

    def psql_up_and_down() -> Taken:
        bench.recreate()
        taken = bench.psql(script)
        theirs_down.append(bench.psql(back))
        return taken

    def driver_alone() -> Taken:
        bench.recreate()
        return bench.run((sys.executable, plain, alone), bench.folder)

    ours, theirs, driver = in_turns(ROUNDS, up_and_down, psql_up_and_down, driver_alone)
    yield of_wall(f"apply {size} of three statements", ours, theirs, "psql", "1.10")
    cpu, other = [one.cpu for one in ours], [one.cpu for one in driver]
    yield Figure(
        f"apply {size}, CPU",
        f"{Spread.of(cpu):.2f} s CPU",
        f"psycopg2 {Spread.of(other):.2f} s",
        f"{ratio(cpu, other):.1f}",
        "2.5",
    )
    yield of_wall(f"rollback of {size}", ours_down, theirs_down, "psql", "1.15")
    yield from linear(bench)


def linear(bench: Bench) -> Iterator[Figure]:
    """Compare rollbacks of a history with those of one twice as long."""
    taken = []
    for size in (1000, 2000):
        workspace = bench.applied(size)
        taken.append(bench.run((*ROLL_BACK, "--to", "base"), workspace.root).cpu)
    yield Figure(
        "rollback of 2000, CPU",
        f"{taken[1]:.2f} s CPU",
        f"of 1000 {taken[0]:.2f} s",
        f"{taken[1] / taken[0]:.1f}",
        "2",
    )


def latency(bench: Bench) -> Iterator[Figure]:
    """Measure over a network that adds a millisecond each way."""
    size = 100
    workspace = bench.history(size)
    script = bench.script("far.sql", workloads.upgrades(size))
    with own_server(bench.postgres.bin) as far, delayed(far.port, LATENCY) as port:
        url = far.tcp_url("postgres", port=port)

        def again(work: Callable[[], Taken]) -> Taken:
            far.query("DROP SCHEMA public CASCADE")
            far.query("CREATE SCHEMA public")
            return work()

        ours, theirs = in_turns(
            ROUNDS,
            lambda: again(lambda: bench.run(MIGRATE, workspace.root, COURSE_DB_URL=url)),
            lambda: again(lambda: bench.psql(script, url=url)),
        )
    yield of_wall(f"apply {size} over 1 ms each way", ours, theirs, "psql", "below 1")


def large(bench: Bench, name: str, text: str, goals: tuple[str, str]) -> Iterator[Figure]:
    """Measure a large file against `psql -1`."""
    workspace, script = workloads.one_file(bench.folder / name, bench.postgres, text)

    def fresh(work: Callable[[], Taken]) -> Taken:
        bench.recreate()
        return work()

    ours, theirs = in_turns(
        ROUNDS,
        lambda: fresh(lambda: bench.run(MIGRATE, workspace.root)),
        lambda: fresh(lambda: bench.psql(script, "-1")),
    )
    yield of_wall(name, ours, theirs, "psql -1", goals[0])
    if goals[1]:
        size = len(text) / 1e6
        peak = Spread.of([one.memory / size for one in ours])
        yield Figure(
            f"{name}, memory",
            f"{peak.median * size:.0f} MB",
            f"file {size:.0f} MB",
            f"{peak:.1f}",
            goals[1],
        )


def validate(bench: Bench) -> Iterator[Figure]:
    """Measure the check of the files."""
    for size, goal in ((1000, "0.63 s"), (10_000, "5.6 s")):
        workspace = bench.history(size)
        files = (sys.executable, "scripts/validate.py")
        taken = Spread.of([bench.run(files, workspace.root).cpu for _ in range(ROUNDS)])
        yield Figure(f"validate.py, {size} files", f"{taken:.2f} s CPU", "", "", goal)


WORKS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "idle-1000": lambda bench: idle(bench, 1000, "2.5"),
    "idle-10000": lambda bench: idle(bench, 10_000, "7"),
    "one": one,
    "thousand": thousand,
    "latency": latency,
    "inserts": lambda bench: large(
        bench, "50,000 INSERTs in one file", workloads.inserts(50_000), ("below 0.5", "")
    ),
    "statement": lambda bench: large(
        bench, "one statement of 50 MB", workloads.one_statement(50), ("1.6", "4")
    ),
    "validate": validate,
    "snapshot": proofs.snapshots,
    "probe": proofs.probe,
    "shadow": proofs.shadow,
}


def main() -> None:
    """Print the table."""
    only = os.environ.get("ONLY") or ""
    with tempfile.TemporaryDirectory(prefix="upskill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", ephemeral=True)
        bench = Bench(folder, postgres)
        for database in ("auth", "course"):
            workloads.recreate(postgres, database)
        print(f"PostgreSQL {postgres.major}, Python {platform.python_version()}, ", end="")
        print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}\n")
        print("| work | ours | against | ratio | goal |\n|---|---:|---:|---:|---:|")
        for label, work in WORKS.items():
            for figure in work(bench) if only in label else ():
                print(figure, flush=True)
        server.leave(folder / "postgres")


if __name__ == "__main__":
    main()
