"""The data directory and the postmaster on it. The caller holds `start.lock`."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.embedded import locks, processes, watchdog
from scripts.embedded.binaries import Binaries
from scripts.embedded.folders import SOCKET_NAME, Place
from scripts.errors import ServerError

SUPERUSER = "postgres"
PORT = 5432
_LOG = "server.log"
_LOG_BYTES = 1_000_000
_TAIL_LINES = 15
# The builtin provider came with 17: the same order and letters everywhere, whatever libc does.
_BUILTIN_LOCALE = 17
# The lines of postmaster.pid, from 0: PostgreSQL's src/include/utils/pidfile.h.
_PORT_LINE, _SOCKET_LINE, _STATUS_LINE = 3, 4, 7
# https://www.postgresql.org/docs/current/protocol-message-formats.html: length 8, code 80877103
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Everything needed to start one server."""

    place: Place
    socket: Path
    binaries: Binaries
    settings: Mapping[str, str]

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.place.folder / "data"

    def ensure(self, start_lock: int) -> None:
        """Start the server unless it runs, and wait until it accepts connections.

        Args:
            start_lock: the open file of `start.lock`, for initdb to inherit.

        Raises:
            ServerError: it does not start.
        """
        log = open_log(self.place)
        with os.fdopen(log):
            self._wait(start_lock, log)

    def _wait(self, start_lock: int, log: int) -> None:
        begin = os.fstat(log).st_size
        started = False
        deadline = time.monotonic() + locks.PATIENCE
        while time.monotonic() < deadline:
            free = locks.grab(self.place.folder / watchdog.SERVER, self.place.account)
            if free is None and self._is_ready():
                return
            if free is not None:
                with os.fdopen(free):
                    if started:
                        raise self._failed("the embedded PostgreSQL did not start", log, begin)
                    self._start(free, start_lock, log)
                    started = True
            time.sleep(locks.PAUSE)
        raise self._failed(
            f"the embedded PostgreSQL was not ready after {locks.PATIENCE:.0f} s", log, begin
        )

    def _is_ready(self) -> bool:
        lines = _pid_file(self.data)
        # Probed as well, because the file of a killed postmaster still says "ready".
        return _line(lines, _STATUS_LINE) == "ready" and _answers(self.socket / SOCKET_NAME)

    def _start(self, server_lock: int, start_lock: int, log: int) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialise(start_lock)
        self._clear()
        settings = {
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
        }
        command = [str(self.binaries.folder / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        processes.detach(command, account=self.place.account, keep=server_lock, log=log)

    def _initialise(self, start_lock: int) -> None:
        new = self.data.with_name("data.new")
        shutil.rmtree(new, ignore_errors=True)
        command = [str(self.binaries.folder / "initdb"), "-D", str(new), "-U", SUPERUSER]
        command += ["-A", "trust", "-E", "UTF8", "--no-instructions", f"--locale={_locale()}"]
        if self.binaries.major >= _BUILTIN_LOCALE:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        ran = processes.run(command, account=self.place.account, keep=start_lock)
        if ran.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            hint = "fix the cause and run the command again; initdb left no files behind"
            raise self._error("initdb could not create the embedded PostgreSQL", ran.stdout, hint)
        new.rename(self.data)

    def _clear(self) -> None:
        # With `server.lock` free no server of ours is alive, so what is left is stale. PostgreSQL
        # would refuse an empty postmaster.pid (a full disk leaves one), and one whose number now
        # belongs to another process (in a container the numbers come again).
        lines = _pid_file(self.data)
        place, port = _line(lines, _SOCKET_LINE), _line(lines, _PORT_LINE)
        if place and _answers(Path(place) / f".s.PGSQL.{port}"):
            raise ServerError(
                "another server, started by hand, is using the embedded PostgreSQL's data",
                where=str(self.data),
                detail=f"process {_line(lines, 0)} answers at {place}, port {port}",
                hint=f"stop it: kill -INT {_line(lines, 0)}",
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self.socket / name).unlink(missing_ok=True)

    def _failed(self, what: str, log: int, begin: int) -> ServerError:
        # The last lines that this start wrote, not those of an earlier one.
        end = os.fstat(log).st_size
        hint = f"read {self.place.folder / _LOG}; if you do not need the data, delete the folder"
        return self._error(what, os.pread(log, end, max(begin, end - 10_000)), hint)

    def _error(self, what: str, output: bytes, hint: str) -> ServerError:
        text = output.decode(errors="replace").strip()
        # As libc says it, and as PostgreSQL does when a page was written in part.
        if "No space left on device" in text or "Check free disk space" in text:
            hint = f"free some space on the disk of {self.place.folder}"
        detail = "\n".join(text.splitlines()[-_TAIL_LINES:])
        return ServerError(what, where=str(self.place.folder), detail=detail, hint=hint)


def open_log(place: Place) -> int:
    """Open the server's log for appending; empty it once it is large."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    log = os.open(place.folder / _LOG, flags, 0o600)
    place.account.adopt(log)
    if os.fstat(log).st_size > _LOG_BYTES:
        os.ftruncate(log, 0)
    return log


def _locale() -> str:
    # With libc's C, full-text search does not tell letters outside ASCII from other characters.
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, check=False).stdout  # noqa: S607 - /usr/bin on every system but musl's, which has none
    except OSError:
        return "C"
    names = listed.decode(errors="replace").lower().replace("-", "").split()
    return "C.UTF-8" if "c.utf8" in names else "C"


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _line(lines: list[str], number: int) -> str:
    return lines[number].strip() if number < len(lines) else ""


def _answers(path: Path) -> bool:
    # A connection alone proves nothing: the kernel accepts it for a postmaster that was killed a
    # moment ago. The reply to an SSLRequest, S or N, comes from a new backend of a living one.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(os.fspath(path))
            probe.sendall(_SSL_REQUEST)
            return probe.recv(1) in (b"S", b"N")
        except OSError:
            return False
