"""Commands in warm processes: forked from a Python that has imported Alembic and psycopg2 already.

To start Python and import all that takes 0.7 s of CPU for each `alembic`, and the tests run
hundreds. Each worker of pytest has one `warm_server.py`, which forks itself for each command.

What a warm process is: a process of its own, with the command's arguments, folder, environment,
streams and signals, with `sys.path` and `__main__` as Python sets them. It imports `scripts` anew
from its own folder, ends with an exit code or by a signal, and leaves nothing behind in the next.

What it is not: a new interpreter. The other modules were imported before the command began,
whatever it would have imported. The hash seed, the locale and all that Python reads from PYTHON*
variables are the server's. At its end nothing is torn down but what `atexit` knows.

A new interpreter is started where one of the variables in `_AT_START` differs from the server's,
where a command is not `script.py …` or `-m alembic …`, where an option of subprocess is wanted that
is not in `_OPTIONS`, for coverage, and on other systems than Linux. So it is, besides, for what
doors.py starts, and for all of tests/commands/test_surroundings.py.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

_AT_START = re.compile(
    r"PYTHON|COVERAGE|COV_|LC_|LANG|TZ|LD_|MALLOC_|GLIBC_|OPENSSL_|COLUMNS|LINES"
)
"""What the variables are called that are read when Python starts, or its modules are imported."""
_OPTIONS = {"cwd", "stdin", "timeout", "encoding", "errors"}
_SCRIPT = Path(__file__).with_name("warm_server.py")
_environment = dict(os.environ)
"""That of the worker, before any test has changed it."""
_lock = threading.Lock()
_control: list[socket.socket] = []
"""The socket of the server that has been started, if it has been."""


def run(
    command: Sequence[str], environment: Mapping[str, str], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command, in a warm process if it would not notice, and return what it printed.

    Args:
        command: a program, and its arguments.
        environment: all variables that the command is to have.
        options: of `subprocess.run`, `cwd` among them.
    """
    options = {"stdin": subprocess.DEVNULL, "timeout": 120, **options}
    if can_run(command, environment, options):
        return fork(command, environment, options)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, **options
    )


def can_run(
    command: Sequence[str], environment: Mapping[str, str], options: Mapping[str, Any]
) -> bool:
    """Tell whether a command would notice nothing of being warm."""
    return (
        sys.platform == "linux"
        and command[0] == sys.executable
        and _is_known(command, options["cwd"])
        and options.keys() <= _OPTIONS
        and options["stdin"] == subprocess.DEVNULL
        and "COVERAGE_PROCESS_CONFIG" not in environment
        and _read_at_start(environment) == _read_at_start(_environment)
    )


def fork(
    command: Sequence[str], environment: Mapping[str, str], options: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a warm process; return, or raise, what `subprocess.run` does.

    Args:
        command: Python, and its arguments.
        environment: all variables that the command is to have.
        options: of `subprocess.run`, those of `_OPTIONS`.

    Raises:
        TimeoutExpired: when the command, which has been killed, was not done in time.
    """
    request = {
        "arguments": command[1:],
        "cwd": os.fspath(options["cwd"]),
        "environment": dict(environment),
    }
    deadline = time.monotonic() + options["timeout"]
    with ExitStack() as stack:
        status, out, err = _fork(stack, json.dumps(request).encode())
        pid = _number(status)
        said: dict[Any, bytes] = {status: b"", out: b"", err: b""}
        is_done = False
        try:
            is_done = _read(said, deadline)
        finally:
            if not (is_done or said[status]):
                os.kill(pid, signal.SIGKILL)
                _number(status)
        if not is_done:
            raise subprocess.TimeoutExpired(command, options["timeout"], said[out], said[err])
    [code] = struct.unpack("i", said[status])
    stdout, stderr = (_text(said[stream], options) for stream in (out, err))
    return subprocess.CompletedProcess(command, code, stdout, stderr)


def _is_known(command: Sequence[str], cwd: str | Path) -> bool:
    arguments = command[1:]
    if arguments[:2] == ("-m", "alembic"):
        return True
    return arguments[0].endswith(".py") and Path(cwd, arguments[0]).is_file()


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, those that are not empty, that a running Python can't be given."""
    return {name: value for name, value in environment.items() if value and _AT_START.match(name)}


def _fork(stack: ExitStack, request: bytes) -> tuple[socket.socket, int, int]:
    """Have a process forked; return the socket to the server, and what the process prints to."""
    with ExitStack() as handed_over:
        status, theirs = socket.socketpair()
        stack.enter_context(status)
        handed_over.enter_context(theirs)
        nothing = os.open(os.devnull, os.O_RDONLY)
        handed_over.callback(os.close, nothing)
        (out, to_out), (err, to_err) = os.pipe(), os.pipe()
        for ours, its in ((out, to_out), (err, to_err)):
            stack.callback(os.close, ours)
            handed_over.callback(os.close, its)
        socket.send_fds(_server(), [b"x"], [theirs.fileno(), nothing, to_out, to_err])
    status.sendall(request)
    status.shutdown(socket.SHUT_WR)
    return status, out, err


def _server() -> socket.socket:
    """Return the socket of this process's server, which is started where there is none."""
    with _lock:
        if not _control:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                # Streams of the kinds that the commands have: Python looks at them when it starts.
                server = subprocess.Popen(
                    [sys.executable, str(_SCRIPT), str(theirs.fileno())],
                    cwd="/",
                    env=_environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[theirs.fileno()],
                )
            atexit.register(_stop, ours, server)
            _control.append(ours)
        return _control[0]


def _stop(control: socket.socket, server: subprocess.Popen[bytes]) -> None:
    """End the server: it reads to its socket's end, which comes with the worker's death as well."""
    control.close()
    said, _ = server.communicate()
    if said:
        print(said.decode(), file=sys.stderr)


def _number(status: socket.socket) -> int:
    """Return the number that the server says next: first the process's id, last its exit code."""
    said = status.recv(4, socket.MSG_WAITALL)
    assert len(said) == 4, "the server of warm processes has ended"
    [number] = struct.unpack("i", said)
    return int(number)


def _read(said: dict[Any, bytes], deadline: float) -> bool:
    """Read all streams to their ends; return whether they have ended in time."""
    with selectors.DefaultSelector() as reading:
        for stream in said:
            reading.register(stream, selectors.EVENT_READ)
        while reading.get_map():
            ready = reading.select(max(0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                return False
            for key, _ in ready:
                read = os.read(key.fd, 65536)
                said[key.fileobj] += read
                if not read:
                    reading.unregister(key.fileobj)
    return True


def _text(said: bytes, options: Mapping[str, Any]) -> str:
    encoding, errors = options.get("encoding"), options.get("errors")
    return io.TextIOWrapper(io.BytesIO(said), encoding=encoding, errors=errors).read()
