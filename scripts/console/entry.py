"""The one place where an error becomes standard error and an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from scripts.engine import disclosure
from scripts.errors import FileError, MigrationError, OutputError

EXIT_CODES = (
    "exit codes: 0 done, 1 a migration or a check failed, 2 wrong usage or configuration,\n"
    "3 something is pending (status.py --check), 4 another run has the lock, 129 SIGHUP,\n"
    "130 Ctrl-C, 143 SIGTERM"
)
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int],
    *,
    reads_only: bool = False,
) -> NoReturn:
    """Parse the command line, run a command, and end the process with its exit code.

    Args:
        parser: the command's; argparse itself exits with 2 on wrong usage.
        command: takes the options, returns the exit code.
        reads_only: whether it changes nothing, so that nobody misses what a reader such as `head`
            has not taken.
    """
    _prepare_output()
    options = parser.parse_args()
    try:
        if getattr(options, "show_values", False):
            from scripts.engine import switches

            switches.check_terminal(is_terminal=sys.stderr.isatty(), as_json=options.json)
        code = command(options)
        sys.stdout.flush()
    except MigrationError as error:
        code = _failed(error, options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except OSError as error:
        quiet = reads_only and isinstance(error, BrokenPipeError)
        code = 1 if quiet else _failed(_explained(error), options)
    sys.exit(code if _finish_output() else code or 1)


def _prepare_output() -> None:
    """Have the outputs take all that is printed to them."""
    # Closed by the caller (`>&-`): a file that is opened later must not take the place.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it is open until the end
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As on standard error: if the locale lacks a character, print its code instead of failing.
        sys.stdout.reconfigure(errors="backslashreplace")


def _finish_output() -> bool:
    """Write what standard output still holds; tell whether that was possible."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again on exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _explained(error: OSError) -> MigrationError:
    """Return our error for one of the operating system's: what it names, or our own output."""
    return FileError.of(error) if error.filename else OutputError.of(error)


def _failed(error: MigrationError, options: argparse.Namespace) -> int:
    with suppress(OSError):
        sys.stdout.flush()
    in_full = getattr(options, "show_values", False) and sys.stderr.isatty()
    with suppress(OSError):
        text = disclosure.for_terminal(error, in_full=in_full)
        print(_wrapped(error, text) if sys.stderr.isatty() else text, file=sys.stderr)
    if getattr(options, "json", False):
        from scripts.console import report

        with suppress(OSError):
            report.event("failed", **error.fields())
    return error.exit_code


def _wrapped(error: MigrationError, text: str) -> str:
    """Break long lines between words, but for the source line and the caret below it."""
    from scripts.console import layout

    source = error.source.splitlines()
    return "\n".join(
        line if line.strip() in (one.strip() for one in source) else layout.wrapped(line, 8)
        for line in text.splitlines()
    )
