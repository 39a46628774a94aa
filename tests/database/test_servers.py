"""The servers, replica, pooler and certificates that other tests lean on do what they say."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.companions import bouncer, replica_of, tls_server
from tests.support.servers import OwnServer, own_server, required, until
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database


def ask(url: str, text: str, **options: Any) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url, **options)) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall())


def processes(folder: Path) -> list[str]:
    """Return the ids of the processes that work in a server's data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            at = (process / "cwd").readlink()
        except OSError:
            continue
        if at == folder / "data":
            found.append(process.name)
    return found


def test_a_killed_server_leaves_no_process_and_starts_again_with_its_data(own: OwnServer) -> None:
    own.query("CREATE TABLE t AS SELECT 7 AS n")
    with closing(psycopg2.connect(own.url())) as connection, connection.cursor() as cursor:
        assert processes(own.folder)
        own.kill()
        assert processes(own.folder) == []
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    own.start()
    assert own.query("SELECT n FROM t") == [(7,)]
    assert "was not properly shut down" in own.log()
    assert ask(own.tcp_url(), "SELECT n FROM t") == [(7,)]


def test_nothing_is_left_after_the_block() -> None:
    with own_server() as server:
        assert processes(server.folder)
    assert processes(server.folder) == []
    assert not server.folder.exists()


def test_a_server_dies_with_tests_that_are_killed() -> None:
    holder = (
        "from tests.support.servers import own_server\n"
        # Shared memory in the data directory goes with it; elsewhere a killed server leaves it.
        "with own_server(settings={'dynamic_shared_memory_type': 'mmap'}) as server:\n"
        "    print(server.folder, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout
        folder = Path(run.stdout.readline().strip())
        try:
            assert processes(folder)
        finally:
            run.send_signal(signal.SIGKILL)
    until(lambda: not processes(folder), "the server to die")
    shutil.rmtree(folder)


def test_the_pooler_answers_and_refuses_startup_options(own: OwnServer) -> None:
    with bouncer(own.folder, own.port) as url:
        assert ask(url("postgres", "postgres"), "SELECT 7") == [(7,)]
        with pytest.raises(
            psycopg2.OperationalError, match="unsupported startup parameter: options"
        ):
            ask(url("postgres", "postgres"), "SELECT 7", options="-c lock_timeout=1")


def test_the_pooler_gives_back_the_session_after_each_transaction(own: OwnServer) -> None:
    with bouncer(own.folder, own.port, pool=1) as url:
        address = url("postgres", "postgres")
        with (
            closing(psycopg2.connect(address)) as one,
            closing(psycopg2.connect(address)) as other,
        ):
            seen = []
            for connection in (one, other):
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    seen.append(cursor.fetchone())
    assert seen[0] == seen[1]


def test_tls_is_verified_and_nothing_else_gets_in() -> None:
    with tls_server() as (server, made):
        text = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        good, bad = (
            server.tcp_url(host="localhost", sslmode="verify-full", sslrootcert=str(ca))
            for ca in (made.ca, made.other_ca)
        )
        assert ask(good, text) == [(True,)]
        with pytest.raises(psycopg2.OperationalError, match="certificate verify failed"):
            ask(bad, text)
        with pytest.raises(psycopg2.OperationalError, match="no encryption"):
            ask(server.tcp_url(sslmode="disable"), text)
        assert made.key.stat().st_mode & 0o077 == 0


def test_a_replica_streams_rows_and_is_read_only(own: OwnServer) -> None:
    with replica_of(own) as replica:
        assert replica.query("SELECT pg_is_in_recovery()") == [(True,)]
        assert replica.query("SELECT status FROM pg_stat_wal_receiver") == [("streaming",)]
        own.query("CREATE TABLE t AS SELECT 7 AS n")
        until(lambda: replica.query("SELECT to_regclass('t') IS NOT NULL") == [(True,)], "the row")
        assert replica.query("SELECT n FROM t") == [(7,)]
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            replica.query("INSERT INTO t VALUES (8)")


def test_what_is_missing_is_skipped_or_in_ci_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_ALL", raising=False)
    required("a thing", found=True)
    with pytest.raises(pytest.skip.Exception, match="needs a thing"):
        required("a thing", found=False)
    monkeypatch.setenv("REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="needs a thing"):
        required("a thing", found=False)
