"""The one place where an error becomes standard error and an exit code."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from scripts.engine import disclosure
from scripts.errors import FileError, MigrationError

EXIT_CODES = (
    "exit codes: 0 done, 1 a migration or a check failed, 2 wrong usage or configuration,\n"
    "4 another run has the lock, 130 Ctrl-C, 143 SIGTERM"
)
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]) -> NoReturn:
    """Parse the command line, run a command, and end the process with its exit code.

    Args:
        parser: the command's; argparse itself exits with 2 on wrong usage.
        command: takes the options, returns the exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As on standard error: if the locale lacks a character, print its code instead of failing.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser.parse_args()
    try:
        if getattr(options, "show_values", False):
            disclosure.check_terminal(is_terminal=sys.stderr.isatty(), as_json=options.json)
        code = command(options)
    except MigrationError as error:
        code = _failed(error, options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        code = _failed(FileError.of(error), options)
    sys.exit(code)


def _failed(error: MigrationError, options: argparse.Namespace) -> int:
    sys.stdout.flush()
    in_full = getattr(options, "show_values", False) and sys.stderr.isatty()
    print(disclosure.for_terminal(error, in_full=in_full), file=sys.stderr)
    if getattr(options, "json", False):
        print(json.dumps({"event": "failed", **error.parts()}))
    return error.exit_code
