"""Where the server's files are: in the home, or elsewhere when its user cannot go there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.embedded.account import Account
from scripts.errors import ServerError

if sys.platform != "win32":
    import fcntl

# Outlives a reboot, and can be reached by everybody.
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - `private` checks the owner and the mode
# $TMPDIR may be long (on macOS it is), and the place of a socket must be short.
_SHORT = Path("/tmp")  # noqa: S108 - `private` checks the owner and the mode
# sun_path has 104 bytes with its final zero on macOS, 108 on Linux.
_SOCKET_BYTES = 103
SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of one server."""

    folder: Path
    account: Account
    home: Path
    note: Path

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether the files are outside the home."""
        return self.folder.parent != self.home

    @property
    def is_lost(self) -> bool:
        """Tell whether the files are elsewhere and the home has no note about them."""
        return self.is_elsewhere and not self.note.exists()


def settle(home: Path, major: int, account: Account) -> Place:
    """Create the folder of a server.

    Files elsewhere belong to the home that has a note about them. Without a note the home is new,
    or its owner deleted it and expects an empty server; so they are deleted as well.

    Raises:
        FileNotFoundError: a folder vanished: the watchdog of an ephemeral server removes its own.
        ServerError: a folder of that name belongs to somebody else.
    """
    note = home / f"{major}.txt"
    with _alone(home.parent) if account.is_other else nullcontext():
        if not home.exists():
            _make(home, account)
        parent = home
        if account.is_other and not account.can_enter(home):
            parent = ELSEWHERE / f"upskill-migrations-{account.uid}-{_digest(home / str(major))}"
            _move(note, parent, account)
        folder = parent / str(major)
        _make(folder, account)
    return Place(folder=folder, account=account, home=home, note=note)


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    # For root making a folder takes two steps, mkdir and chown, and another root must not see it
    # in between: that one would find that the user can't enter it, and put the files elsewhere.
    folder = os.open(project, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _move(note: Path, parent: Path, account: Account) -> None:
    if not note.exists():
        if parent.exists():
            private(parent, account)
            removed = parent.with_name(f"{parent.name}.removed.{os.getpid()}")
            parent.rename(removed)
            # A server of the deleted home may still write there; it ends within a minute.
            shutil.rmtree(removed, ignore_errors=True)
        note.write_text(
            f"The files of this project's embedded PostgreSQL are in\n{parent}\n"
            f"because its user, {account.name}, cannot enter this folder.\n"
            "If you delete this file, they are deleted before the next start.\n"
        )
    private(parent, account)


def socket(place: Place, incarnation: str) -> Path:
    """Return the socket's folder: below /tmp if the path is too long or libpq would split it.

    libpq takes a comma in `host` for a list of hosts, and PostgreSQL's `unix_socket_directories`
    has a quoting of its own: only plain paths are used as they are.
    """
    near = place.folder / f"run-{incarnation}"
    path = os.fsencode(near / SOCKET_NAME)
    if len(path) <= _SOCKET_BYTES and re.fullmatch(rb"[A-Za-z0-9_./-]+", path):
        _make(near, place.account)
        return near
    short = _SHORT / f"upskill-{place.account.uid}-{_digest(near)}"
    private(short, place.account)
    return short


def private(folder: Path, account: Account) -> None:
    """Create a folder where every user may, or check that the existing one is the account's.

    Raises:
        ServerError: it is a link, belongs to somebody else or is open to others.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not folder.is_symlink() and folder.is_dir():
        _make(folder, account)
        status = folder.lstat()
        if status.st_uid == account.uid and not stat.S_IMODE(status.st_mode) & 0o077:
            return
    raise ServerError(
        "the embedded PostgreSQL does not use a folder that another user may have created",
        where=str(folder),
        detail=f"it must be a folder with mode 0700 that belongs to {account.name}",
        hint=f"look at what it contains; if nobody needs it, delete it: rm -rf {folder}",
    )


def _make(folder: Path, account: Account) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not account.is_other:
        return
    # Also when it exists: root may have been killed before this step.
    made = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        account.adopt(made)
    finally:
        os.close(made)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
