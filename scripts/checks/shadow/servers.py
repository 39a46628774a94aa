"""The servers that shadows are on: one of somebody's own, or one for each worker."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from types import TracebackType

from scripts.checks.shadow import throwaway
from scripts.checks.shadow.throwaway import GivenHost, Host
from scripts.engine.session import address

_MOST = 4
"""Beyond these, workers wait for each other in Python more than for their servers."""


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
        self._given = GivenHost(address.checked(url, "--shadow-url")) if url else None
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
                started = throwaway.embedded(self._programs)
                self._started[worker] = self._open.enter_context(started)
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


def _cores() -> int:
    # A container may have fewer than the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
