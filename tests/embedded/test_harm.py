"""The embedded PostgreSQL survives what can be done to it, its users, files and watchdog."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.embedded import account, cluster, folders, locks, server, watchdog
from scripts.errors import ServerError
from tests.support.embedding import (
    AS_ROOT,
    FAST,
    ask,
    databases,
    finish,
    folder_of,
    popen,
    postmaster,
    text_of,
    until_stopped,
    using,
    watchdogs,
)
from tests.support.servers import until

pytestmark = pytest.mark.database


def test_after_a_killed_watchdog_the_next_user_starts_another(home: Path) -> None:
    with using(home):
        (first,) = watchdogs(home)
        os.kill(first, signal.SIGKILL)
        until(lambda: watchdogs(home) == [], "the watchdog to be gone")
        with using(home):
            assert len(watchdogs(home)) == 1

    until_stopped(folder_of(home))


def test_a_killed_server_is_started_again_by_the_next_user(home: Path) -> None:
    with using(home) as (_, url):
        first = postmaster(home)
        os.kill(first, signal.SIGKILL)
        joined = server.join(home, settings=FAST)

        assert postmaster(home) != first
        assert joined.url("postgres") == url
        assert ask(url, "SELECT 1") == 1

        os.kill(postmaster(home), signal.SIGKILL)
        assert server.join(home, settings=FAST) == joined
        assert ask(url, "SELECT 1") == 1


def test_a_socket_that_only_the_kernel_answers_is_no_server(home: Path) -> None:
    path = home.parent / "socket"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(str(path))
        listener.listen()
        pool.submit(lambda: listener.accept()[0].close())
        assert not cluster._answers(path)


@pytest.mark.parametrize("kind", ["empty", "number of another process"])
def test_a_stale_postmaster_pid_is_no_obstacle(home: Path, kind: str) -> None:
    joined = server.join(home, settings=FAST)
    finish(home)
    owner = (folder_of(home) / "data").stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as other:
        text = "" if kind == "empty" else f"{other.pid}\n"
        (folder_of(home) / watchdog.PID_FILE).write_text(text)
        joined = server.join(home, settings=FAST)
        other.kill()

    assert ask(joined.url("postgres"), "SELECT 1") == 1


def test_a_server_started_by_hand_on_the_same_data_is_left_alone(home: Path) -> None:
    joined = server.join(home, settings=FAST)
    finish(home)
    data = folder_of(home) / "data"
    owner = data.stat()
    joined.socket.mkdir(mode=0o700)
    os.chown(joined.socket, owner.st_uid, owner.st_gid)
    with subprocess.Popen(
        [joined.bin / "postgres", "-D", data, "-k", joined.socket, "-c", "listen_addresses="],
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[] if AS_ROOT else None,
        stderr=subprocess.DEVNULL,
    ) as by_hand:
        until(
            lambda: "ready" in text_of(folder_of(home) / watchdog.PID_FILE),
            "the server to be ready",
        )
        with pytest.raises(ServerError, match="started by hand") as raised:
            server.join(home, settings=FAST)
        assert by_hand.poll() is None
        by_hand.send_signal(signal.SIGINT)

    assert raised.value.hint == f"stop it: kill -INT {by_hand.pid}"


def test_a_user_killed_during_initdb_leaves_nothing_half_done(home: Path) -> None:
    with popen(home) as process:
        until((folder_of(home) / "data.new" / "base").exists, "initdb to be at work")
        process.kill()
        process.communicate()
    assert not (folder_of(home) / "data").exists()

    assert ask(server.join(home, settings=FAST).url("postgres"), "SELECT 1") == 1
    assert not (folder_of(home) / "data.new").exists()


def test_after_its_home_was_deleted_the_next_user_gets_an_empty_server(home: Path) -> None:
    with using(home, "database", "ephemeral"):
        old = postmaster(home)
        shutil.rmtree(home)
        joined = server.join(home, settings=FAST)
        assert databases(joined.url("postgres")) == {"postgres"}
        # PostgreSQL would do it by itself, within a minute.
        os.kill(old, signal.SIGINT)

    # The old watchdog has seen that the home is not the one that it was to remove.
    until(lambda: len(watchdogs(home)) == 1, "the old watchdog to end")
    assert ask(joined.url("postgres"), "SELECT 1") == 1
    assert (folder_of(home) / watchdog.USERS).exists()


def test_who_joins_while_an_ephemeral_home_is_removed_keeps_the_new_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".postgres" / "18"
    folder.mkdir(parents=True)
    (folder / "old").touch()
    remove = shutil.rmtree

    def join_first(path: Path, *, ignore_errors: bool) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "new").touch()
        remove(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", join_first)
    watchdog._remove(folder, folder.parent, folder.parent / "18.txt")

    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_lock_on_a_file_that_was_just_removed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users.lock"
    lock = fcntl.flock

    def remove_first(file: int, kind: int) -> None:
        monkeypatch.undo()
        path.unlink()
        lock(file, kind)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    held = locks.hold(path, account.choose(tmp_path / "none", tmp_path), shared=True)

    assert watchdog.is_current(held, path)
    os.close(held)


def test_a_path_too_long_for_a_socket_works(home: Path) -> None:
    deep = home.parent / ("x" * 100) / ".postgres"
    deep.parent.mkdir()
    joined = server.join(deep, settings=FAST)
    finish_at_end = joined.socket

    assert len(os.fsencode(joined.socket)) < 60
    assert finish_at_end.stat().st_mode & 0o777 == 0o700
    assert ask(joined.url("postgres"), "SELECT 1") == 1
    finish(deep)
    assert not joined.socket.exists()


def test_a_home_whose_path_libpq_would_split_works(home: Path) -> None:
    odd = home.parent / "a, b'%é" / ".postgres"
    odd.parent.mkdir()

    assert ask(server.join(odd, settings=FAST).url("postgres"), "SELECT 1") == 1
    finish(odd)


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    who = account.choose(tmp_path / "none", tmp_path)

    with pytest.raises(ServerError, match="that another user may have created"):
        folders.private(tmp_path / "link", who)


def test_a_private_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o770)
    who = account.choose(tmp_path / "none", tmp_path)

    with pytest.raises(ServerError, match="that another user may have created"):
        folders.private(tmp_path / "open", who)
