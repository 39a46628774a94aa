"""The embedded PostgreSQL in use: by this process and by others that start, leave or are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from scripts.embedded import binaries, server, watchdog
from tests.support.servers import until
from tests.support.workspace import REPOSITORY

AS_ROOT = os.geteuid() == 0
FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "30"}
USER = f"""
import sys
from pathlib import Path
from scripts.embedded import server
home, *options = sys.argv[1:]
joined = server.join(Path(home), settings={FAST!r}, ephemeral="ephemeral" in options)
if "database" in options:
    server.ensure_database(joined, "kept")
print(joined.url("postgres"), flush=True)
sys.stdin.read()
"""


def finish(home: Path) -> None:
    server.leave(home)
    until(
        lambda: all(is_stopped(folder) for folder in home.glob("[0-9]*/")),
        f"all servers and watchdogs of {home} to end",
    )


def is_free(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            return watchdog.try_lock(file.fileno())
    except FileNotFoundError:
        return True


def is_stopped(folder: Path) -> bool:
    return is_free(folder / watchdog.SERVER) and is_free(folder / watchdog.WATCHDOG)


def until_stopped(folder: Path) -> None:
    until(lambda: is_stopped(folder), f"server and watchdog of {folder} to end")


def folder_of(home: Path) -> Path:
    return home / str(binaries.find(None).major)


def postmaster(home: Path) -> int:
    pid = watchdog.postmaster_pid(folder_of(home))
    assert pid is not None
    return pid


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def ask(url: str, query: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def databases(url: str) -> set[str]:
    return set(ask(url, "SELECT array_agg(datname::text) FROM pg_database WHERE NOT datistemplate"))


def popen(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home), *options],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def using(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the server until the end of the block."""
    with popen(home, *options) as process:
        url = url_of(process)
        assert url
        yield process, url
        process.communicate()


def watchdogs(home: Path) -> list[int]:
    listed = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    mine = [line for line in listed.stdout.splitlines() if str(home) in line]
    return [int(line.split()[0]) for line in mine if watchdog.__file__ in line]
