"""One PostgreSQL for the whole session, a database of its own for each test.

Its owner is a role that can do nothing else, as a careful operator sets it up.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from scripts.embedded import server
from scripts.embedded.server import Server
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
OWNER = "migrator"
_numbers = itertools.count(1)


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


def create_owner(postgres: Server) -> None:
    """Create the role, unless another worker has done so or does so now."""
    with (
        closing(psycopg2.connect(postgres.url("postgres"))) as connection,
        connection.cursor() as cursor,
        contextlib.suppress(psycopg2.errors.DuplicateObject, psycopg2.errors.UniqueViolation),
    ):
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
        connection.commit()


class new_database:  # noqa: N801 - a context manager, used like a function
    """Create a database for a `with` block and drop it after, whoever is still connected."""

    def __init__(self, postgres: Server, name: str) -> None:
        self._postgres = postgres
        self._name = name

    def __enter__(self) -> str:
        # Cloned file by file: 11 ms on a memory file system, a tenth of the default way.
        self._run(f"CREATE DATABASE {{}} OWNER {OWNER} TEMPLATE template0 STRATEGY FILE_COPY")
        return self._postgres.url(self._name).replace("//postgres@", f"//{OWNER}@")

    def __exit__(self, *_: object) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with closing(psycopg2.connect(self._postgres.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(sql.Identifier(self._name)))
