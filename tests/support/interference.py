"""What a test does to a run that is at work: when a migration begins, or to its backends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2

from scripts.engine.reported import Direction
from scripts.engine.session import lock
from scripts.engine.settings import TableName
from tests.support.servers import until
from tests.support.workspace import Recorder, Workspace

_TABLE = TableName("public", "schema_migrations")


class Interference(Recorder):
    """Does something when a migration begins."""

    def __init__(self, filename: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._filename = filename
        self._act = act

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Do it."""
        if filename == self._filename:
            self._act()


@contextmanager
def another_run(workspace: Workspace) -> Iterator[int]:
    """Hold the lock as another run does; gives the pid of its session."""
    with (
        closing(psycopg2.connect(workspace.urls["course"], application_name="other run")) as raw,
        lock.held(raw, _TABLE, 0, 10, lambda one: workspace.recorder.notices.append(one.text)),
    ):
        yield raw.info.backend_pid


def backend(condition: str) -> str:
    """Return the query for the backends of a run."""
    return (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        f" AND application_name LIKE 'upskill%' AND {condition}"
    )


def terminate(workspace: Workspace, condition: str) -> None:
    """Terminate the run's backend of that condition, once there is one."""
    # Found and ended in one statement: in between it might be at something else. By psql: the wait
    # callback of psycopg2 is the whole process's, and comes and goes with the run.
    end = f"SELECT pg_terminate_backend(pid) FROM ({backend(condition)}) b"
    psql = [str(workspace.bin / "psql"), "-XAt", "-c", end, workspace.urls["course"]]
    until(lambda: subprocess.run(psql, capture_output=True, check=True).stdout, condition)
