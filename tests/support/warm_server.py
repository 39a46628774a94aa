"""The process from which warm.py's commands are forked: Python with what they import, and no more.

It is a program of its own, started by its path: nothing of the project is imported here, so that
each command imports it anew from its own folder.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import traceback
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NoReturn

del sys.path[0]  # this file's folder; each command puts there what Python would have put

IMPORTED = (
    "alembic.autogenerate",
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "alembic.ddl.postgresql",
    "alembic.op",
    "alembic.runtime.environment",
    "alembic.script",
    "argparse",
    "concurrent.futures",
    "configparser",
    "difflib",
    "dotenv",
    "ipaddress",
    "logging.config",
    "mako.template",
    "postgast",
    "psycopg2.extensions",
    "psycopg2.extras",
    "psycopg2.sql",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "ssl",
    "tempfile",
    "uuid",
)
"""What the commands import, but for the project itself."""
_HERE = __file__


def main(control: socket.socket) -> None:
    """Fork a process for each message, until nobody is left who could send one."""
    for name in IMPORTED:
        importlib.import_module(name)
    path = list(sys.path)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the tests; their end is ours
    gc.collect()
    gc.freeze()  # what all processes share stays shared
    running: dict[int, socket.socket] = {}
    while files := _next_message(control, woken, running):
        status = socket.socket(fileno=files.pop(0))
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for one in (control, *running.values()):
                one.close()
            os.close(woken)
            os.close(wake)
            _become(status, files, path)
        for file in files:
            os.close(file)
        running[pid] = status
        _tell(status, pid)


def _next_message(
    control: socket.socket, woken: int, running: dict[int, socket.socket]
) -> list[int]:
    """Return the files of the next message, none at the end; meanwhile tell how processes end."""
    while True:
        readable, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            _tell_ends(running)
        else:
            return socket.recv_fds(control, 1, 4, socket.MSG_CMSG_CLOEXEC)[1]


def _tell_ends(running: dict[int, socket.socket]) -> None:
    """Tell how processes have ended, to those who wait for them."""
    for pid in list(running):
        ended, how = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as status:
                _tell(status, os.waitstatus_to_exitcode(how))


def _tell(status: socket.socket, number: int) -> None:
    try:
        status.sendall(struct.pack("i", number))
    except OSError:
        return  # nobody waits any more


def _become(status: socket.socket, streams: list[int], path: list[str]) -> NoReturn:
    """Turn this fork into a process that Python has just been started in, and run its command."""
    code = 1
    try:
        with status, status.makefile("rb") as sent:
            request = json.load(sent)
        # Other modules have taken hold of sys.stdout, so it is its file that changes.
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.orig_argv = [sys.executable, *request["arguments"]]
        sys.path[:] = path
        importlib.invalidate_caches()
        code = _end_of(request["arguments"])
    except BaseException:  # noqa: BLE001 - there is nobody above who could show it
        traceback.print_exc()
    finally:
        os._exit(code)


def _end_of(arguments: list[str]) -> int:
    """Run a command to its end, as the interpreter does, and return its exit code."""
    code = 0
    try:
        _run(arguments)
    except SystemExit as end:
        code = _code_of(end)
    except BaseException as error:  # noqa: BLE001 - shown as Python shows it
        code = 1
        _show(error)
        if isinstance(error, KeyboardInterrupt):
            code = -signal.SIGINT
    atexit._run_exitfuncs()
    return _flushed(code)


def _run(arguments: list[str]) -> None:
    """Run `-m alembic …` or `script.py …` as __main__."""
    if arguments[0] == "-m":
        sys.argv = ["-m", *arguments[2:]]
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python writes it
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = list(arguments)
    file = os.path.join(os.getcwd(), arguments[0])  # noqa: PTH109, PTH118 - as Python writes it
    sys.path.insert(0, os.path.dirname(os.path.realpath(file)))  # noqa: PTH120
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __builtins__=builtins,
        __file__=file,
        __cached__=None,
        __loader__=SourceFileLoader("__main__", file),
    )
    sys.modules["__main__"] = main
    code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
    exec(code, main.__dict__)


def _code_of(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """Show an error without the frames of this file."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename == _HERE:
        frames = frames.tb_next
    sys.stdout.flush()
    sys.excepthook(type(error), error.with_traceback(frames), frames)


def _flushed(code: int) -> int:
    """Flush what was printed; return the exit code, which is another where that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        print(f"Exception ignored in: {sys.stdout!r}\nOSError: {error}", file=sys.stderr)
        code = 120
    sys.stderr.flush()
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return code


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
