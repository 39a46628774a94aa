"""Compare with psql applying the same statements, one transaction per file, in the same run.

    make bench            # 1, 100 and 1000 migrations
    make bench SIZES=50   # other numbers

Each figure is the median of three whole processes on an empty database of the embedded server, with
its ordinary settings. psql gets one script: BEGIN, the file's statements, a tracking row, COMMIT.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psycopg2
from psycopg2 import sql

from scripts.embedded import server
from scripts.embedded.server import Server
from tests.support.workspace import Workspace

ROUNDS = 3
TRACKING = "CREATE TABLE tracking (version text PRIMARY KEY, at timestamptz DEFAULT now());\n"


def statements(number: int) -> str:
    """Return the UP of one generated migration: three statements, as small ones have."""
    return (
        f"CREATE TABLE IF NOT EXISTS bench_{number:04} (id bigint PRIMARY KEY, name text);\n"
        f"CREATE INDEX IF NOT EXISTS bench_{number:04}_name ON bench_{number:04} (name);\n"
        f"INSERT INTO bench_{number:04} VALUES (1, 'one') ON CONFLICT DO NOTHING;"
    )


def psql_script(size: int) -> str:
    """Return what psql runs."""
    files = (
        f"BEGIN;\n{statements(number)}\nINSERT INTO tracking (version) VALUES ('{number:04}');\n"
        "COMMIT;\n"
        for number in range(1, size + 1)
    )
    return TRACKING + "".join(files)


def recreate(postgres: Server, name: str) -> None:
    """Make the database anew."""
    with closing(psycopg2.connect(postgres.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for text in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {}", "CHECKPOINT"):
                cursor.execute(sql.SQL(text).format(sql.Identifier(name)))


def wall_time(command: list[str], root: Path, url: str) -> float:
    """Return the wall time of a whole process, in seconds."""
    begin = time.perf_counter()
    subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "COURSE_DB_URL": url},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


def measure(size: int, folder: Path, postgres: Server) -> str:
    """Return a line of the table."""
    urls = {"auth": postgres.url("auth"), "course": postgres.url("course")}
    workspace = Workspace.make(folder / f"project-{size}", urls, postgres.bin)
    for number in range(1, size + 1):
        workspace.add(
            f"{number:04}",
            statements(number),
            f"-- DROP TABLE IF EXISTS bench_{number:04};",
            slug="bench",
        )
    script = folder / f"{size}.sql"
    script.write_text(psql_script(size))
    plain = [str(postgres.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    plain += ["-f", str(script), urls["course"]]
    ours = [sys.executable, "scripts/migrate.py", "--database", "course"]

    rounds = []
    for _ in range(ROUNDS):
        # In turns, so that a disk which is slow for a while is slow for both.
        recreate(postgres, "course")
        baseline = wall_time(plain, workspace.root, urls["course"])
        recreate(postgres, "course")
        rounds.append([baseline, *(wall_time(ours, workspace.root, urls["course"]) for _ in "12")])
    psql, migrated, again = (statistics.median(times) for times in zip(*rounds, strict=True))
    return (
        f"| {size:>10} | {psql:8.2f} s | {migrated:8.2f} s | {migrated / psql:9.2f} "
        f"| {again:13.2f} s |"
    )


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in (os.environ.get("SIZES") or "1 100 1000").split()]
    with tempfile.TemporaryDirectory(prefix="upskill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", ephemeral=True)
        print(f"PostgreSQL {postgres.major}, Python {platform.python_version()}, ", end="")
        print(f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}\n")
        print("| migrations |       psql | migrate.py |     ratio | nothing to do   |")
        print("| ---------: | ---------: | ---------: | --------: | --------------: |")
        for size in sizes:
            print(measure(size, folder, postgres), flush=True)
        server.leave(folder / "postgres")


if __name__ == "__main__":
    main()
