"""One PostgreSQL for the whole session, a database of its own for each test.

Its owner is a role that can do nothing else, as a careful operator sets it up.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.embedded import server
from scripts.embedded.server import Server
from tests.support import order
from tests.support.databases import create_owner, new_database
from tests.support.servers import OwnServer, own_server
from tests.support.workspace import Workspace

# The data of a test are worth nothing after a crash of the machine.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",
    "max_prepared_transactions": "10",
}
_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Let signals reach the commands under test: a suite in the background may ignore them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = order.dealt(items, lambda item: item.path.name, workers)


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Iterator[Server]:
    """The server that all workers of a run share; it stops and vanishes with the last of them."""
    memory = Path("/dev/shm")
    parent = (
        memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    )
    home = parent / f"upskill-tests-{os.getuid()}-{testrun_uid[:12]}" / "postgres"
    home.parent.mkdir(mode=0o755, exist_ok=True)
    chosen = os.environ.get("POSTGRES_BIN")
    joined = server.join(home, bin=Path(chosen) if chosen else None, settings=FAST, ephemeral=True)
    create_owner(joined)
    yield joined
    server.leave(home)
    if not any(home.parent.iterdir()):
        shutil.rmtree(home.parent, ignore_errors=True)


@pytest.fixture
def database(postgres: Server, worker_id: str) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    with new_database(postgres, f"test_{worker_id}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
def workspace(
    tmp_path: Path, postgres: Server, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A project without migrations, in its own folder, with two empty databases.

    The process stands in it, and its settings name the databases.
    """
    number = next(_numbers)
    with (
        new_database(postgres, f"auth_{worker_id}_{number}") as auth,
        new_database(postgres, f"course_{worker_id}_{number}") as course,
    ):
        made = Workspace.make(tmp_path / "project", {"auth": auth, "course": course}, postgres.bin)
        monkeypatch.chdir(made.root)
        for name, value in made.settings.items():
            monkeypatch.setenv(name, value)
        # A server that is not there is meant to be away: nobody has to wait for it.
        monkeypatch.setenv("MIGRATION_CONNECT_WAIT", "0")
        for name in ("MIGRATION_TABLE", "MIGRATION_FALLBACK"):
            monkeypatch.delenv(name, raising=False)
        yield made


@pytest.fixture
def own() -> Iterator[OwnServer]:
    """A server of the test's own, to be killed."""
    with own_server() as server:
        yield server


@pytest.fixture
def course(workspace: Workspace) -> Workspace:
    """The project's course migrations, all applied."""
    workspace.add_released("course")
    done = workspace.run("migrate", "--database", "course", "--quiet")
    assert done.returncode == 0, done.stderr
    return workspace
