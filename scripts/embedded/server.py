"""Start or join the embedded PostgreSQL of a project, and leave it."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import errors, sql

from scripts.embedded import account, binaries, cluster, folders, locks, processes, watchdog
from scripts.errors import ServerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    socket: Path
    bin: Path
    major: int

    def url(self, database: str) -> str:
        """Return the URL of a database. It names the port, else libpq would look at PGPORT."""
        host = quote(os.fspath(self.socket), safe="")
        name = quote(database, safe="")
        return f"postgresql://{cluster.SUPERUSER}@/{name}?host={host}&port={cluster.PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lease:
    # One process's place among the users of a server: `users` is the open, locked file.
    place: folders.Place
    users: int

    def is_valid(self) -> bool:
        path = self.place.folder / watchdog.USERS
        return watchdog.is_current(self.users, path) and not self.place.is_lost


_seats: dict[tuple[Path, int], _Lease] = {}
_one_at_a_time = threading.Lock()


def join(
    home: Path,
    *,
    bin: Path | None = None,
    settings: Mapping[str, str] = {},
    ephemeral: bool = False,
) -> Server:
    """Become a user of the server in a folder, starting it if it does not run.

    The server stops when its last user exits or leaves. A second call in the same process takes no
    second seat; it makes sure that the server still runs.

    Args:
        home: the folder for the server's files; the folder above it is the project and exists.
        bin: the value of POSTGRES_BIN; None for the wheel's programs.
        settings: names and values for postgresql.conf. The process that starts the server decides.
        ephemeral: remove all files when the server stops. The process that starts the watchdog
            decides, usually the first user.

    Raises:
        ServerError: it cannot be started.
    """
    if sys.platform == "win32":
        raise ServerError(
            "the embedded PostgreSQL runs on Linux and macOS only",
            hint="set a URL to use another PostgreSQL, or run this in WSL",
        )
    found = binaries.find(bin)
    home = home.resolve()
    key = (home, found.major)
    with _one_at_a_time:
        try:
            seat = _seats.get(key)
            if seat is not None and seat.is_valid():
                return _started(seat, found, settings, ephemeral=ephemeral)
            _give_up(key)
            seat = _seats[key] = _take_seat(home, found.major)
            try:
                return _started(seat, found, settings, ephemeral=ephemeral)
            except BaseException:
                _give_up(key)
                raise
        except OSError as error:
            raise _unusable(home, error) from error


def leave(home: Path) -> None:
    """Stop using the servers in a folder; do nothing when this process uses none."""
    with _one_at_a_time:
        for key in [key for key in _seats if key[0] == home.resolve()]:
            _give_up(key)


def _give_up(key: tuple[Path, int]) -> None:
    if (seat := _seats.pop(key, None)) is not None:
        os.close(seat.users)


def _take_seat(home: Path, major: int) -> _Lease:
    if not home.parent.is_dir():
        raise ServerError("the project's folder does not exist", where=str(home.parent))
    who = account.choose(home / str(major) / "data", home.parent)
    deadline = time.monotonic() + locks.PATIENCE
    while time.monotonic() < deadline:
        # A folder that vanishes in between is one that the watchdog of an ephemeral server removes.
        try:
            place = folders.settle(home, major, who)
            users = locks.hold(place.folder / watchdog.USERS, who, shared=True)
        except FileNotFoundError:
            time.sleep(locks.PAUSE)
            continue
        seat = _Lease(place=place, users=users)
        if seat.is_valid():
            return seat
        os.close(users)
    raise ServerError(
        "another process keeps deleting the embedded PostgreSQL's folder", where=str(home)
    )


def _started(
    seat: _Lease, found: binaries.Binaries, settings: Mapping[str, str], *, ephemeral: bool
) -> Server:
    place = seat.place
    start = locks.hold(place.folder / watchdog.START, place.account)
    with os.fdopen(start):
        socket = folders.socket(place, _incarnation(start))
        _watch(place, socket, ephemeral=ephemeral)
        cluster.Cluster(
            place=place,
            socket=socket,
            binaries=binaries.reachable(found, place.account),
            settings=settings,
        ).ensure(start)
    return Server(socket=socket, bin=found.folder, major=found.major)


def _incarnation(start: int) -> str:
    length = 8
    written = os.pread(start, length, 0).decode(errors="replace")
    if len(written) == length and written.isascii() and written.isalnum():
        return written
    made = secrets.token_hex(length // 2)
    os.pwrite(start, made.encode(), 0)
    return made


def _watch(place: folders.Place, socket: Path, *, ephemeral: bool) -> None:
    free = locks.grab(place.folder / watchdog.WATCHDOG, place.account)
    if free is None:
        return
    who = place.account
    command = [sys.executable, "-P", "-S", watchdog.__file__, str(free), str(who.uid), str(who.gid)]
    command += [str(place.folder), str(socket)]
    if ephemeral:
        command += [str(place.home), str(place.note)]
    log = cluster.open_log(place)
    with os.fdopen(free), os.fdopen(log):
        processes.detach(command, account=None, keep=free, log=log)


def _unusable(home: Path, error: OSError) -> ServerError:
    return ServerError(
        f"cannot use the embedded PostgreSQL's folder: {(error.strerror or str(error)).lower()}",
        where=str(home),
        detail=str(error),
        hint=f"check the disk, and the owner and mode of {home}; to start with an empty server, "
        "delete it",
    )


def ensure_database(server: Server, name: str) -> bool:
    """Create a database unless it exists.

    Returns:
        whether it was created. Of several processes at the same moment one gets True.

    Raises:
        ServerError: the server cannot be reached.
    """
    try:
        with closing(psycopg2.connect(server.url(cluster.SUPERUSER))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if cursor.fetchone() is not None:
                    return False
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    # Two at once: the second fails in the check, or later at the catalog's unique index.
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        return False
    except psycopg2.OperationalError as error:
        raise ServerError(
            f"cannot create or open database '{name}' on the embedded PostgreSQL",
            where=str(server.socket),
            detail=str(error).strip(),
            hint=f"read server.log next to {server.socket}, then run the command again",
        ) from error
    return True
