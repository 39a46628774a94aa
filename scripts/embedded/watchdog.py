"""Stop the embedded server when its last user is gone, whatever ended it.

The protocol. All files lie in `<home>/<major>/`; all locks are flocks, which the kernel drops with
the last process that has the open file, `kill -9` included.

`users.lock`
    Shared, by every process that uses the server, from `join` until its end or `leave`.
    Exclusive, by the watchdog: from then on there are no users, and a new one must wait.
`start.lock`
    Exclusive, by a joiner that holds `users.lock`, while it checks or starts server and watchdog.
    initdb inherits it, so one whose parent was killed still keeps others out until it ends.
    Its content names the socket folder of this incarnation of the folder.
`server.lock`
    Exclusive, inherited by the postmaster and all its children: held while one of them lives.
    Unlike the number in postmaster.pid it can't be stale or mean another process.
`watchdog.lock`
    Exclusive, taken by the joiner and inherited by the watchdog, so that there is no moment
    between "none is alive" and "one is starting".

The races:

- A joiner waits for `users.lock` while the watchdog stops the server. It gets the lock when the
  watchdog is done, and starts a new server. The watchdog gives up `watchdog.lock` first, else the
  joiner could take a watchdog that is about to exit for one that watches.
- The watchdog of an ephemeral server removes the lock files. It holds `users.lock` and renames the
  folder before it deletes anything. A joiner that had opened the old file sees, once it has the
  lock, that the path names another file or none (`is_current`), and begins again with a new folder.
- The folder is deleted from outside, and created again by a new joiner. The old watchdog sees the
  same and touches nothing: its working folder is the old one and it uses relative names. The old
  server ends within a minute by itself, as PostgreSQL does when its postmaster.pid is gone; it
  then unlinks its socket by path, which is why each incarnation has a socket folder of its own.
- The watchdog is killed: the server goes on; the next joiner finds `watchdog.lock` free and starts
  a new watchdog. Until then nobody would stop the server.
- The postmaster is killed: the next joiner waits until its children are gone as well, then
  starts a new one.
- A joiner is killed while it starts things: the watchdog comes first, so it cleans up.

This file is also run as a script, without the project on the path: standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

USERS = "users.lock"
START = "start.lock"
SERVER = "server.lock"
WATCHDOG = "watchdog.lock"
PID_FILE = Path("data/postmaster.pid")

# What each signal means to a postmaster: https://www.postgresql.org/docs/current/server-shutdown.html
# INT ends the sessions and writes a checkpoint, QUIT leaves recovery to the next start.
_SHUTDOWN = (("INT", 30.0), ("QUIT", 10.0), ("KILL", 5.0))
_PAUSE = 0.005


def try_lock(file: int) -> bool:
    """Take the exclusive lock of an open file unless somebody holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_current(file: int, path: Path) -> bool:
    """Tell whether the path still names this open file, and not a newer one or none."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def postmaster_pid(folder: Path) -> int | None:
    """Return the first line of postmaster.pid, None as long as there is none."""
    with suppress(OSError, ValueError, IndexError):
        return int((folder / PID_FILE).read_text().split()[0])
    return None


def _as_account(uid: int, gid: int, script: str, *arguments: str) -> None:
    # As root this must not act with root's rights on what the server's user may have written:
    # a number in postmaster.pid, a name in a folder.
    root = os.geteuid() == 0
    subprocess.run(
        ["/bin/sh", "-c", script, *arguments],
        user=uid if root else None,
        group=gid if root else None,
        extra_groups=[] if root else None,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _stop(uid: int, gid: int) -> None:
    try:
        server = os.open(SERVER, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    for signal, seconds in _SHUTDOWN:
        deadline = time.monotonic() + seconds
        sent = False
        while time.monotonic() < deadline:
            if try_lock(server):
                return
            pid = None if sent else postmaster_pid(Path())
            if pid is not None:
                _as_account(uid, gid, 'kill -s "$0" "$1"', signal, str(pid))
                sent = True
            time.sleep(_PAUSE)


def _remove(folder: Path, home: Path, note: Path) -> None:
    # The note goes first: a joiner that read it earlier looks again once it has `users.lock`,
    # which it can't have before the folder got its new name.
    note.unlink(missing_ok=True)
    removed = folder.with_name(f".{folder.name}.removed.{os.getpid()}")
    folder.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
    for emptied in (folder.parent, home):
        with suppress(OSError):
            emptied.rmdir()


def main(arguments: list[str]) -> None:
    """Wait until nobody uses the server, then stop it.

    Args:
        arguments: the locked and inherited file of `watchdog.lock`; user and group of the server;
            its folder and socket folder; for an ephemeral server also the home and the note in it.
    """
    lock, uid, gid = map(int, arguments[:3])
    folder, socket, *ephemeral = map(Path, arguments[3:])
    os.chdir(folder)
    users = os.open(USERS, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(users, fcntl.LOCK_EX)
        if is_current(users, folder / USERS):
            _stop(uid, gid)
            _as_account(uid, gid, 'rm -f "$0"/.s.PGSQL.*; rmdir "$0"', str(socket))
            if ephemeral:
                _remove(folder, *ephemeral)
    finally:
        os.close(lock)
        os.close(users)


if __name__ == "__main__":
    main(sys.argv[1:])
