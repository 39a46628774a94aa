"""Locks on files, taken with a deadline. The watchdog's docstring says who takes which and why."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from scripts.embedded import watchdog
from scripts.embedded.account import Account
from scripts.errors import ServerError

if sys.platform != "win32":
    import fcntl

# Longer than the watchdog may take to stop a server, and than most recoveries after a crash.
PATIENCE = 120.0
PAUSE = 0.002


def hold(path: Path, account: Account, *, shared: bool = False) -> int:
    """Take a lock and return the open file that holds it until it is closed.

    Args:
        path: the file to lock, made when it is missing.
        account: the user who should own it.
        shared: together with others, or alone.

    Raises:
        FileNotFoundError: the folder is gone.
        ServerError: another process did not release it in time.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        file = _open(path, account)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            if watchdog.is_current(file, path):
                kept, file = file, -1
                return kept
        except BlockingIOError:
            time.sleep(PAUSE)
        finally:
            if file >= 0:
                os.close(file)
    raise ServerError(
        f"timed out after {PATIENCE:.0f} s: another process is starting or stopping the embedded "
        "PostgreSQL",
        where=str(path),
        hint=f"find the process (fuser -v {path}), stop it, and try again",
    )


def grab(path: Path, account: Account) -> int | None:
    """Take an exclusive lock without waiting; None when somebody holds it."""
    file = _open(path, account)
    if watchdog.try_lock(file):
        return file
    os.close(file)
    return None


def _open(path: Path, account: Account) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    account.adopt(file)
    return file
