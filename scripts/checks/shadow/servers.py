"""The servers that shadows are on: one of somebody's own, or one for each worker."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from scripts.embedded import server
from scripts.engine.session import address, signals

ADMIN = "postgres"
"""The database from which others are created."""
_MOST = 4
"""Beyond these, workers wait for each other in Python more than for their servers."""
# What is here is here for seconds.
_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_locks_per_transaction": "1024",
}
_PATIENCE = 10.0
"""Seconds for a server to be gone."""


class Host(NamedTuple):
    """A server that has room for databases of ours."""

    given: str
    """A URL of one of its databases, whose user may create others."""
    is_ours: bool = False
    """Whether it was started for this: nobody else uses it, and nothing of it stays."""

    def url(self, database: str) -> str:
        """Return the URL of a database; for `ADMIN` the one that was given."""
        if database == ADMIN:
            return self.given
        return urlsplit(self.given)._replace(path=f"/{quote(database, safe='')}").geturl()


class Servers:
    """Gives each worker a server, started when it is first asked for; for a `with` block.

    Roles are a server's: what one worker's migrations make would be in the way of another's.
    """

    def __init__(self, url: str, programs: Path | None, cores: int = 0) -> None:
        """Start none yet.

        Args:
            url: of a database of somebody's own server; "" to start servers.
            programs: as POSTGRES_BIN has them.
            cores: how many there are; 0 asks the machine.

        Raises:
            SettingsError: when the URL is none.
        """
        self._given = Host(address.checked(url, "--shadow-url")) if url else None
        self._programs = programs
        self._started: dict[int, Host] = {}
        self._open = ExitStack()
        self._one_at_a_time = Lock()
        self.most = 1 if url else min(cores or _cores(), _MOST)
        """How many workers can have one."""

    def of(self, worker: int) -> Host:
        """Return the server of a worker.

        Args:
            worker: its number, below `most`.

        Raises:
            ServerError: when it cannot be started.
        """
        if self._given:
            return self._given
        with self._one_at_a_time:
            if worker not in self._started:
                self._started[worker] = self._open.enter_context(_embedded(self._programs))
            return self._started[worker]

    def __enter__(self) -> Servers:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop what was started."""
        self._open.close()


@contextmanager
def _embedded(programs: Path | None) -> Iterator[Host]:
    """Start a server for a `with` block; it stops with this process, even if that is killed."""
    folder = Path(tempfile.mkdtemp(prefix="upskill-shadow-"))
    folder.chmod(0o755)  # as root, the server is another user
    home = folder / "postgres"
    try:
        with signals.deferred():
            started = server.join(home, bin=programs, settings=_QUICK, ephemeral=True)
            signals.check()
        yield Host(started.url(ADMIN), is_ours=True)
    finally:
        server.leave(home)
        end = time.monotonic() + _PATIENCE
        while home.exists() and time.monotonic() < end:
            time.sleep(0.01)
        shutil.rmtree(folder, ignore_errors=True)


def _cores() -> int:
    # A container may have fewer than the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
