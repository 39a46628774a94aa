"""Do again and again what goes wrong in production, and print what was seen.

    make soak             # all of it: 20 rounds of 8 runners, 50 kills, …
    make soak ROUNDS=3    # fewer rounds, kills and signals

Ends with 1 when anything differs from what docs/reliability.md says.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.embedded import server
from scripts.embedded.server import Server
from tests.support import killing
from tests.support.doors import DOORS, start
from tests.support.servers import OwnServer, own_server, until
from tests.support.workspace import Workspace
from tests.tools.workloads import recreate

RUNNERS = 8
_SIGNALS = ((signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 1), (signal.SIGHUP, 129, 1))
"""Each with its exit code, and the seconds after which the statement has to be gone."""
FROZEN_WITHIN = 10.0
"""Seconds in which a run has to end whose lock's backend does not answer any more."""
HANGS = 120
"""Seconds after which a runner is taken to hang."""
RESUMES_AFTER = 20.0
"""Seconds that Aurora Serverless may take to wake up."""
_LOCK = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_INDEXES = (
    "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'a'::regclass ORDER BY 1"
)
_AT_WORK = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
)


def write_history(workspace: Workspace, *, concurrently: bool) -> list[str]:
    """Write the migrations and return their versions; each notes in `runs` that it ran."""
    workspace.add("001", "CREATE TABLE runs (version text);\nINSERT INTO runs VALUES ('001');")
    versions = [f"{number:03}" for number in range(2, 11)]
    for version in versions:
        note = f"INSERT INTO runs VALUES ('{version}');"
        if concurrently and int(version) % 3 == 0:
            index = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i_{version} ON runs (version);"
            workspace.add(version, f"{index}\n{note}", header="-- Transaction: none\n")
        else:
            workspace.add(version, f"CREATE TABLE t_{version} (id int);\n{note}")
    return ["001", *versions]


def runner_of(workspace: Workspace, number: int = 0, **variables: str) -> subprocess.Popen[str]:
    """Start a runner: every second one through Alembic's own command line."""
    door = ("migrate", "alembic")[number % 2]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return start(workspace, *DOORS[door], environment=variables, **streams)


def play(workspace: Workspace, postgres: Server, versions: list[str]) -> list[str]:
    """Play one round of many runners on an empty database; return what went wrong."""
    recreate(postgres, "course")
    wrong = []
    for runner in [runner_of(workspace, number) for number in range(RUNNERS)]:
        try:
            errors = runner.communicate(timeout=HANGS)[1]
        except subprocess.TimeoutExpired:
            runner.kill()
            errors = f"hangs for {HANGS} s"
        if runner.returncode:
            wrong.append(f"exit {runner.returncode}: {errors}")
    ran = [version for (version,) in workspace.query("SELECT version FROM runs ORDER BY 1")]
    if ran != versions:
        wrong.append(f"ran: {', '.join(ran)}")
    if workspace.versions() != versions:
        wrong.append(f"ledger: {', '.join(workspace.versions())}")
    return wrong


def runners(make: Callable[[str], Workspace], postgres: Server, rounds: int) -> list[str]:
    """Let many runners start together, round after round."""
    wrong: list[str] = []
    for concurrently in (False, True):
        workspace = make(f"runners-{concurrently}")
        versions = write_history(workspace, concurrently=concurrently)
        begin = time.monotonic()
        found = [fault for _ in range(rounds) for fault in play(workspace, postgres, versions)]
        kind = "with CREATE INDEX CONCURRENTLY" if concurrently else "transactional only"
        say(
            f"{rounds} rounds of {RUNNERS} runners, {len(versions)} migrations {kind}: "
            f"{len(found)} faults, {time.monotonic() - begin:.0f} s"
        )
        wrong += found
    return wrong


def kills(make: Callable[[str], Workspace], postgres: Server, count: int) -> list[str]:
    """Kill runners at random moments, and run again."""
    workspace = make("kills")
    recreate(postgres, "course")
    wanted = killing.undisturbed(workspace)
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    cut, wrong = 0, []
    for _ in range(count):
        recreate(postgres, "course")
        try:
            cut += killing.kill_and_repeat(workspace, wanted, moments)
        except AssertionError as error:
            wrong.append(f"seed {seed}: {error}")
    say(
        f"{count} runs of {killing.MIGRATIONS} migrations killed (seed {seed}), {cut} of them "
        f"before the end, all run again: {len(wrong)} that differ from an undisturbed run"
    )
    return wrong


def signals(make: Callable[[str], Workspace], postgres: Server, count: int) -> list[str]:
    """Measure how long a statement goes on after a signal, and after its client was killed."""
    workspace = make("signals")
    workspace.add("001", "SELECT pg_sleep(600);")
    wrong = []
    for number, code, limit in _SIGNALS:
        taken = []
        for door in range(count):
            recreate(postgres, "course")
            runner = runner_of(workspace, door)
            taken.append(seconds_to_end(workspace, runner, number))
            runner.communicate(timeout=HANGS)
            if runner.returncode != code or taken[-1] > limit:
                wrong.append(f"{number.name}: exit {runner.returncode}, {taken[-1]:.2f} s")
        say(f"{count} times {number.name}: exit {code}, statement gone {spread(taken)}")
    taken = []
    for _ in range(count):
        recreate(postgres, "course")
        runner = runner_of(workspace)
        taken.append(seconds_to_end(workspace, runner, signal.SIGKILL))
        runner.communicate(timeout=HANGS)
    say(f"{count} times SIGKILL: the server ended the statement {spread(taken)}")
    return wrong


def seconds_to_end(
    workspace: Workspace, runner: subprocess.Popen[str], number: signal.Signals
) -> float:
    """Signal a runner whose statement is at work; return how long the server goes on with it."""
    until(lambda: workspace.query(_AT_WORK), "the statement to run")
    begin = time.monotonic()
    runner.send_signal(number)
    until(lambda: not workspace.query(_AT_WORK), "the statement to end")
    return time.monotonic() - begin


def frozen(make: Callable[[str], Workspace], postgres: Server, count: int) -> list[str]:
    """Measure how long a run goes on after SIGTERM while the backend with its lock is frozen."""
    workspace = make("frozen")
    workspace.add("001", "SELECT pg_sleep(600);")
    taken, wrong = [], []
    for door in range(count):
        recreate(postgres, "course")
        runner = runner_of(workspace, door)
        until(lambda: workspace.query(_AT_WORK), "the statement to run")
        [(pid,)] = workspace.query(_LOCK)
        os.kill(pid, signal.SIGSTOP)
        begin = time.monotonic()
        runner.terminate()
        runner.communicate(timeout=HANGS)
        taken.append(time.monotonic() - begin)
        os.kill(pid, signal.SIGCONT)
        if runner.returncode != signal.SIGTERM + 128 or taken[-1] > FROZEN_WITHIN:
            wrong.append(f"frozen: exit {runner.returncode}, {taken[-1]:.2f} s")
    say(f"{count} times SIGTERM with a frozen lock connection: exit 143, ended {spread(taken)}")
    return wrong


def builds(make: Callable[[str], Workspace], postgres: Server, count: int) -> list[str]:
    """Cut builds of indexes short, again and again, and count what they leave."""
    workspace = make("builds")
    workspace.add(
        "001",
        "CREATE INDEX CONCURRENTLY ON a (x);\nREINDEX TABLE CONCURRENTLY a;",
        header="-- Transaction: none\n-- Lock-Timeout: 50ms\n",
    )
    tries = left = 0
    wrong = []
    for door in range(count):
        recreate(postgres, "course")
        workspace.query("CREATE TABLE a (id int PRIMARY KEY, x int)")
        runner = runner_of(workspace, door, MIGRATION_LOCK_RETRIES="100")
        with closing(psycopg2.connect(workspace.urls["course"])) as other:
            for _ in range(3):
                other.cursor().execute("INSERT INTO a SELECT coalesce(max(id), 0) + 1 FROM a")
                time.sleep(random.uniform(0.2, 0.6))
                other.commit()
                time.sleep(random.uniform(0.05, 0.2))
        runner.communicate(timeout=HANGS)
        [(invalid,)] = workspace.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        names = workspace.query(_INDEXES)
        [(waited,)] = workspace.query(
            "SELECT coalesce(sum(lock_wait_ms), 0) FROM schema_migrations_events"
            " WHERE event = 'success'"
        )
        tries += waited > 0
        left += invalid
        if runner.returncode or names != [("a_pkey",), ("a_x_idx",)]:
            wrong.append(f"builds: exit {runner.returncode}, {names}")
    say(f"{count} files of index builds, {tries} cut by lock timeouts: {left} invalid indexes left")
    return wrong


def resume(make: Callable[[str], Workspace], own: OwnServer) -> list[str]:
    """Start a run before its server, which comes up as late as Aurora Serverless may."""
    workspace = make("resume")
    workspace.add_tables("001")
    own.stop()
    begin = time.monotonic()
    runner = runner_of(workspace, COURSE_DB_URL=own.url())
    time.sleep(RESUMES_AFTER)
    own.start(wait=False)
    errors = runner.communicate(timeout=HANGS)[1]
    taken = time.monotonic() - begin
    tries = errors.count("cannot connect (")
    say(
        f"a server that comes up after {RESUMES_AFTER:.0f} s: run done after {taken:.1f} s, "
        f"{tries} lines about it, exit {runner.returncode}"
    )
    return [errors] if runner.returncode or not tries else []


def spread(taken: list[float]) -> str:
    """Say how long something took: the middle and the longest."""
    return f"after {statistics.median(taken):.2f} s (median), {max(taken):.2f} s (longest)"


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def main() -> int:
    """Do it all."""
    rounds = int(os.environ.get("ROUNDS") or "20")
    with tempfile.TemporaryDirectory(prefix="upskill-soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", ephemeral=True)
        urls = {"auth": postgres.url("auth"), "course": postgres.url("course")}

        def make(project: str) -> Workspace:
            return Workspace.make(folder / project, urls, postgres.bin)

        wrong = runners(make, postgres, rounds)
        wrong += kills(make, postgres, 50 * rounds // 20)
        wrong += signals(make, postgres, max(2, rounds // 2))
        wrong += frozen(make, postgres, max(2, rounds // 4))
        wrong += builds(make, postgres, max(2, rounds // 2))
        with own_server() as own:
            wrong += resume(make, own)
        server.leave(folder / "postgres")
    print("\n".join(wrong), end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
