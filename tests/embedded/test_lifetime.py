"""The embedded PostgreSQL starts, is shared by all who use it, and stops with the last of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.embedded import server, watchdog
from tests.support.embedding import (
    FAST,
    ask,
    databases,
    folder_of,
    popen,
    postmaster,
    until_stopped,
    url_of,
    using,
    watchdogs,
)
from tests.support.servers import until

pytestmark = pytest.mark.database


def test_a_server_starts_and_speaks_utf8_and_utc(home: Path) -> None:
    joined = server.join(home, settings=FAST | {"work_mem": "5MB"})

    url = joined.url("postgres")
    assert ask(url, "SHOW server_version_num").startswith(str(joined.major))
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SHOW work_mem") == "5MB"
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SELECT upper('ä')") == "Ä"
    assert (joined.bin / "pg_dump").exists()
    assert joined.socket.stat().st_mode & 0o777 == 0o700
    assert server.join(home) == joined


def test_names_and_paths_are_percent_encoded() -> None:
    made = server.Server(socket=Path("/a b/%/é"), bin=Path(), major=18)

    assert made.url("x/y?") == (
        "postgresql://postgres@/x%2Fy%3F?host=%2Fa%20b%2F%25%2F%C3%A9&port=5432"
    )


def test_data_are_kept_from_one_process_to_the_next(home: Path) -> None:
    with using(home, "database"):
        pass
    until_stopped(folder_of(home))

    with using(home) as (_, url):
        assert databases(url) == {"postgres", "kept"}


def test_the_server_stays_until_its_last_user_has_ended(home: Path) -> None:
    with using(home):
        pid = postmaster(home)
        with using(home) as (_, url):
            assert ask(url, "SELECT 1") == 1
        server.join(home)
        assert postmaster(home) == pid
        server.leave(home)
    until_stopped(folder_of(home))

    assert not (folder_of(home) / watchdog.PID_FILE).exists()
    assert watchdogs(home) == []


def test_the_server_stops_when_its_only_user_is_killed(home: Path) -> None:
    with using(home) as (process, _):
        process.kill()

    until_stopped(folder_of(home))
    assert not (folder_of(home) / watchdog.PID_FILE).exists()


def test_ctrl_c_in_the_terminal_reaches_neither_server_nor_watchdog(home: Path) -> None:
    server.join(home, settings=FAST)

    mine = os.getsid(0)
    assert [os.getsid(pid) == mine for pid in (postmaster(home), *watchdogs(home))] == [False] * 2


def test_eight_processes_that_join_at_once_share_one_server(home: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(popen(home)) for _ in range(8)]
        started = {ask(url_of(one), "SELECT pg_postmaster_start_time()") for one in processes}
        found = watchdogs(home)
        for process in processes:
            process.communicate()

    assert len(started) == 1
    assert len(found) == 1


@pytest.mark.parametrize("ephemeral", [False, True])
def test_who_joins_while_the_server_stops_gets_a_new_one(home: Path, ephemeral: bool) -> None:
    for _ in range(3):
        joined = server.join(home, settings=FAST, ephemeral=ephemeral)
        assert ask(joined.url("postgres"), "SELECT 1") == 1
        server.leave(home)

    until(lambda: home.exists() is not ephemeral, "the home to be removed, or kept")


def test_an_ephemeral_server_leaves_no_files(home: Path) -> None:
    deep = home.parent / ("x" * 100) / ".postgres"
    deep.parent.mkdir()
    joined = server.join(deep, settings=FAST, ephemeral=True)
    server.leave(deep)

    until(lambda: not deep.exists(), "the home to be removed")
    assert list(deep.parent.iterdir()) == []
    assert not joined.socket.exists()


def test_of_several_that_create_a_database_one_does(home: Path) -> None:
    joined = server.join(home, settings=FAST)

    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(lambda _: server.ensure_database(joined, 'a "b" %s'), range(4)))

    assert sorted(created) == [False, False, False, True]
    assert ask(joined.url('a "b" %s'), "SELECT current_database()") == 'a "b" %s'
