"""Backends that are frozen: stopped by SIGSTOP, which to a client is like a half-open network."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts.errors import LockError
from tests.support.doors import DOORS, start
from tests.support.interference import Interference, backend
from tests.support.servers import ASLEEP, PATIENCE, until
from tests.support.workspace import Recorder, Workspace

pytestmark = pytest.mark.database
LOCK = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@contextmanager
def frozen(workspace: Workspace, query: str) -> Iterator[None]:
    """Stop the backend that a query names, and let it go on at the end of a `with` block."""
    [(pid,)] = workspace.query(query)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("door", DOORS)
def test_a_signal_ends_a_run_whose_lock_connection_is_frozen(
    workspace: Workspace, door: str
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
    run = start(workspace, *DOORS[door])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    with frozen(workspace, LOCK):
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 143
    assert "error:  interrupted by SIGTERM\nat:     course: sql/course/002_step.sql:6" in said
    assert "state:  rolled back; course is at 001" in said
    assert workspace.tables() == ["t_001"]
    until(lambda: not workspace.query(backend("true")), "the backends to go")


def test_a_signal_ends_a_run_whose_own_backend_is_frozen(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
    run = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    with frozen(workspace, f"{backend('true')} AND query LIKE '%pg_sleep%'"):
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=PATIENCE)[0]
        assert run.returncode == 143
        assert "error:  interrupted by SIGTERM" in said
        assert "course is at 001" in said
    until(lambda: not workspace.query(backend("true")), "the backends to go")
    assert workspace.tables() == ["t_001"]


def test_a_lock_connection_that_does_not_answer_between_two_migrations_is_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_CONNECT_TIMEOUT", "1s")
    workspace.add_tables("001", "002", "003")
    stopped: list[int] = []

    def freeze() -> None:
        [(pid,)] = workspace.query(LOCK)
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    workspace.recorder = Interference("002_step.sql", freeze)
    try:
        with pytest.raises(LockError) as caught:
            workspace.upgrade()
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert caught.value.what == "the lock against other runs was lost"
    assert "no answer to a query within 1 s" in caught.value.detail
    assert caught.value.state == "course is at 002"
    assert workspace.versions() == ["001", "002"]
    workspace.recorder = Recorder()
    workspace.upgrade()
    assert workspace.versions() == ["001", "002", "003"]
