"""A warm process, which the commands of the tests run in, beside a new interpreter."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support import warm
from tests.support.workspace import REPOSITORY

PROBE = """
import atexit, json, locale, os, signal, subprocess, sys
from pathlib import Path
atexit.register(lambda: print("at exit"))
streams = (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__)
print(json.dumps({
    "main": [__name__, __file__, __package__, __spec__ is None, __loader__.name],
    "is __main__": sys.modules["__main__"].__dict__ is globals(),
    "argv": [sys.argv, sys.orig_argv, sys.executable, sys.path, sys.flags.dev_mode],
    "scripts": [name for name in sys.modules if name.startswith(("scripts", "tests"))],
    "environment": sorted(os.environ.items()),
    "in C": subprocess.run(["printenv", "WARM_A"], capture_output=True, text=True).stdout,
    "folder": [os.getcwd(), os.getsid(0), os.getpgrp()],
    "files": [
        [n, os.readlink(f"/proc/self/fd/{n}").split(":")[0]]
        for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")
    ],
    "streams": [
        [s.encoding, s.errors, s.line_buffering, s.write_through, s.name, s.mode, s.isatty(),
         s.newlines, s.fileno(), s.buffer.mode, s.seekable()]
        for s in streams
    ],
    "signals": [str(signal.getsignal(n)).split(" at ")[0] for n in signal.valid_signals()],
    "woken": signal.set_wakeup_fd(-1),
    "locale": [locale.setlocale(locale.LC_CTYPE), locale.getpreferredencoding()],
    "sum": [sys.getrecursionlimit(), sys.dont_write_bytecode, sys.warnoptions],
}))
"""
ENDS = {
    "without a word": "pass",
    "by a code": "import sys; sys.exit(3)",
    "by a code that is too large": "raise SystemExit(257)",
    "by a sentence": "import sys; sys.exit('no')",
    "by an error": "def f():\n    1 / 0\nprint('before')\nf()",
    "by an error in its grammar": "if",
    "by Ctrl-C": "import signal; signal.raise_signal(signal.SIGINT)",
    "by a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "without its output": "import os, sys; print('x'); os.close(1)",
    "after output by a module that was imported before": (
        "from alembic.config import Config; Config().print_stdout('x')"
    ),
    "after a change of its output": (
        "import sys; sys.stdout.reconfigure(errors='replace', encoding='ascii'); print('ä')"
    ),
    "at once": "import os; print('lost'); os._exit(7)",
    "after much output": (
        "import sys; print('ä\\n' * 100_000); print('b' * 200_000, file=sys.stderr)"
    ),
}
OPTIONS: dict[str, Any] = {"cwd": REPOSITORY, "stdin": subprocess.DEVNULL, "timeout": 60}
ALEMBIC = (sys.executable, "-m", "alembic")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux only")


def both(tmp_path: Path, code: str, *arguments: str, **options: Any) -> list[dict[str, Any]]:
    """Run a script in a warm process and in a new interpreter."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/probe.py").write_text(code)
    (tmp_path / "link").symlink_to("real")
    command = (sys.executable, "link/probe.py", *arguments)
    environment = {"WARM_A": "1", **os.environ}
    environment.pop("PYTEST_CURRENT_TEST", None)
    options = {**OPTIONS, "cwd": tmp_path}
    assert warm.can_run(command, environment, options)
    new = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, **options
    )
    return [vars(warm.fork(command, environment, options)), vars(new)]


def test_a_warm_process_finds_what_a_new_interpreter_would_find(tmp_path: Path) -> None:
    warm_one, new = both(tmp_path, PROBE, "a", "--b=ä")
    (warm_found, last), (found, _) = (one["stdout"].splitlines() for one in (warm_one, new))
    assert last == "at exit"
    assert json.loads(warm_found) == json.loads(found)
    assert warm_one == new


@pytest.mark.parametrize("end", ENDS)
def test_a_warm_process_ends_as_a_new_interpreter_does(tmp_path: Path, end: str) -> None:
    warm_one, new = both(tmp_path, ENDS[end])
    assert warm_one == new


def test_a_command_that_takes_too_long_is_killed_with_what_it_has_said(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    )
    command = (sys.executable, "slow.py")
    said = b""
    for timeout in (0.1, 1, 10, 60):  # until it is long enough to say something
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            warm.fork(command, os.environ, {**OPTIONS, "cwd": tmp_path, "timeout": timeout})
        if said := caught.value.output:
            break
    with pytest.raises(ProcessLookupError):
        os.kill(int(said), 0)


def test_no_process_leaves_anything_behind_for_the_next(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("here = __file__")
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import os, random, module\n"
        "print(module.here, 'X' in os.environ, os.listdir('/proc/self/fd'), random.random())\n"
        "os.environ['X'] = '1'\nos.chdir('/')"
    )
    command = (sys.executable, "probe.py")
    said = [
        warm.fork(command, {"A": "1"}, {**OPTIONS, "cwd": tmp_path}).stdout.rsplit(" ", 1)
        for _ in range(5)
    ]
    assert {most for most, _ in said} == {f"{tmp_path}/module.py False ['0', '1', '2', '3']"}
    assert len({number for _, number in said}) == 5, "each draws numbers of its own"


def test_the_process_of_the_tests_keeps_no_file_open_for_those_that_have_ended() -> None:
    command = (sys.executable, "scripts/migrate.py", "--help")
    assert warm.fork(command, os.environ, OPTIONS).returncode == 0
    before = set(Path("/proc/self/fd").iterdir())
    assert warm.fork(command, os.environ, OPTIONS).returncode == 0
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_commands_run_at_the_same_time(tmp_path: Path) -> None:
    """Each of two waits for the other's file."""
    (tmp_path / "meet.py").write_text(
        "import sys, time\nfrom pathlib import Path\nPath(sys.argv[1]).touch()\n"
        "while not Path(sys.argv[2]).exists(): time.sleep(0.01)"
    )
    with ThreadPoolExecutor() as threads:
        ends = threads.map(
            lambda names: (
                warm.fork(
                    (sys.executable, "meet.py", *names), os.environ, {**OPTIONS, "cwd": tmp_path}
                ).returncode
            ),
            [("a", "b"), ("b", "a")],
        )
    assert list(ends) == [0, 0]


@pytest.mark.parametrize("name", ["LC_ALL", "LANG", "PYTHONIOENCODING", "PYTHONPATH", "TZ"])
def test_a_variable_that_python_reads_at_its_start_needs_a_new_interpreter(name: str) -> None:
    variables = {key: value for key, value in os.environ.items() if key != name}
    assert not warm.can_run(ALEMBIC, {**variables, name: "x"}, OPTIONS)


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", "pass"),
        (sys.executable, "-u", "scripts/migrate.py"),
        (sys.executable, "-m", "pip"),
        (sys.executable, "not_there.py"),
        ("psql", "scripts/migrate.py"),
    ],
    ids=" ".join,
)
def test_what_is_no_command_of_the_project_is_started_anew(command: tuple[str, ...]) -> None:
    assert warm.can_run(ALEMBIC, os.environ, OPTIONS)
    assert not warm.can_run(command, os.environ, OPTIONS)


@pytest.mark.parametrize(
    "option",
    [{"input": ""}, {"stdin": None}, {"umask": 0o77}, {"start_new_session": True}],
    ids=str,
)
def test_an_option_that_a_warm_process_has_not_needs_a_new_one(option: dict[str, Any]) -> None:
    assert not warm.can_run(ALEMBIC, os.environ, {**OPTIONS, **option})


def test_the_server_ends_with_the_process_that_has_started_it_however_that_ends() -> None:
    code = (
        "import os, sys; from tests.support import warm;"
        "control = warm._server(); print('up', flush=True); sys.stdin.read()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout
    assert worker.stdout.readline() == "up\n"
    [server] = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    ended = os.pidfd_open(int(server))
    worker.kill()
    worker.communicate()
    assert select.select([ended], [], [], 60)[0], "the server is still there"
    os.close(ended)
