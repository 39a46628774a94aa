"""A PostgreSQL of a test's own: to be set up as it likes, and to be killed."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
import pytest

from scripts.embedded import account, binaries
from scripts.embedded.account import Account

PATIENCE = 60
"""Seconds that a server gets to do what it is told."""
USER = "postgres"
SLEEPS = "wait_event = 'PgSleep'"
"""A backend that is inside a pg_sleep: `state` and `query` are true a moment before."""
ASLEEP = f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {SLEEPS}"
_PR_SET_PDEATHSIG = 1
_QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "50"}


def required(what: str, *, found: bool) -> None:
    """Skip the test where something is missing; fail it where CI has to have it."""
    if found:
        return
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"needs {what}, and REQUIRE_ALL is set")
    pytest.skip(f"needs {what}")


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def debian_bin() -> Path | None:
    """Return the programs of the newest PostgreSQL that Debian has installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    return newest.parent if newest else None


def free_port() -> int:
    """Return a port that nobody listens on, and that the kernel gives to no client either.

    A server that a test stops gets it back when it starts again:
    https://docs.kernel.org/networking/ip-sysctl.html, ip_local_port_range.
    """
    while True:
        port = random.randrange(10_000, 32_768)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class OwnServer:
    """A PostgreSQL in a folder of its own, listening on a socket there and on a port."""

    folder: Path
    bin: Path
    settings: Mapping[str, str]
    who: Account
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.folder / "data"

    def url(self, database: str = USER, user: str = USER, **parameters: str) -> str:
        """Return the URL by way of the socket."""
        query = urlencode({"host": str(self.folder), "port": str(self.port), **parameters})
        return f"postgresql://{user}@/{quote(database, safe='')}?{query}"

    def tcp_url(
        self, database: str = USER, user: str = USER, *, port: int = 0, **parameters: str
    ) -> str:
        """Return the URL by way of the port, or of a port that leads there."""
        host = parameters.pop("host", "127.0.0.1")
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"postgresql://{user}@{host}:{port or self.port}/{database}{query}"

    def initialise(self) -> None:
        """Make the data directory."""
        self.run("initdb", "-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", *_INITDB)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **as_user(self.who),
        )
        assert done.returncode == 0, done.stderr

    def start(self, *, wait: bool = True) -> None:
        """Start the postmaster."""
        settings = {
            **_QUICK,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=die_with_the_tests,
                **as_user(self.who),
            )
        if wait:
            until(self.answers, "a server to start")

    def answers(self) -> bool:
        """Tell whether it accepts connections."""
        assert self.process is None or self.process.poll() is None, self.log()
        try:
            psycopg2.connect(self.url(connect_timeout="5")).close()
        except psycopg2.OperationalError:
            return False
        return True

    def log(self) -> str:
        """Return what the server wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def kill(self) -> None:
        """Kill the postmaster, and wait until no process of the server is left."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, ending what runs."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        group = _children(self.process.pid)
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        self.process = None
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in group), "its backends")

    def query(self, text: str, database: str = USER) -> list[tuple[object, ...]]:
        """Run one statement as the superuser, in a transaction of its own."""
        with closing(psycopg2.connect(self.url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []


_INITDB = ("--no-sync", "--no-instructions", "--locale=C")


@contextmanager
def own_server(
    bin: Path | None = None, settings: Mapping[str, str] = {}, *, start: bool = True
) -> Iterator[OwnServer]:
    """Make and start a server for a `with` block; afterwards nothing of it is left."""
    with folder_for_a_server() as (folder, who):
        found = binaries.reachable(binaries.find(bin), who).folder
        server = OwnServer(folder=folder, bin=found, settings=settings, who=who)
        server.initialise()
        try:
            if start:
                server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def folder_for_a_server() -> Iterator[tuple[Path, Account]]:
    """Make a folder of the server's user, with a path short enough for a socket."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="upskill-", dir=memory if memory.is_dir() else None))
    try:
        who = account.choose(folder / "none", Path("/"))
        os.chown(folder, who.uid, who.gid)
        folder.chmod(0o755)
        yield folder, who
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_user(who: Account) -> dict[str, Any]:
    """Return subprocess's options for running as another user: PostgreSQL refuses root."""
    if not who.is_other:
        return {}
    return {"user": who.uid, "group": who.gid, "extra_groups": list[int]()}


def _children(pid: int) -> Sequence[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def die_with_the_tests() -> None:
    """Have the kernel kill the process when the tests are gone, however they went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
