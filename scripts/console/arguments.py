"""Options that several commands share, and the project that they work on."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from scripts.console.entry import EXIT_CODES
from scripts.engine import settings
from scripts.engine.settings import Settings
from scripts.errors import UsageError
from scripts.files import project
from scripts.files.project import Environment, Project

_LIKENESS = 0.7
"""Below it two options are different ones (difflib's ratio, 0 to 1)."""


class _Parser(argparse.ArgumentParser):
    """Prints `--steps must be 1 or more`, not `argument --steps: must be 1 or more`."""

    def error(self, message: str) -> NoReturn:
        """Begin a sentence about an option with its name."""
        if "--json" in sys.argv[1:]:
            from scripts.console import report

            report.event("failed", **UsageError(message).fields())
        super().error(
            re.sub(r"^argument (\S+): (?=must |is )", r"\1 ", message) + self._meant(message)
        )

    def _meant(self, message: str) -> str:
        """Return which option was meant, where one is mistyped."""
        mistyped = re.match(r"unrecognized arguments: (--?[A-Za-z-]+)", message)
        if not mistyped:
            return ""
        import difflib

        close = difflib.get_close_matches(
            mistyped[1], list(self._option_string_actions), 1, _LIKENESS
        )
        return f"; did you mean {close[0]}?" if close else ""


def parser(description: str | None, examples: Sequence[str]) -> argparse.ArgumentParser:
    """Make a command's parser, with examples and exit codes at the end of its help.

    Args:
        description: the command's docstring.
        examples: command lines to show.
    """
    shown = "\n".join(f"  {example}" for example in examples)
    return _Parser(
        description=description,
        epilog=f"examples:\n{shown}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_database(to: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add --database.

    Args:
        to: the command's parser.
        required: whether the command takes exactly one; see `environment`.
    """
    to.add_argument(
        "--database",
        action="append",
        type=value,
        metavar="NAME",
        required=required,
        help="an environment of alembic.ini, such as auth or course"
        + ("" if required else "; repeatable (default: all)"),
    )


def add_json(to: argparse.ArgumentParser, what: str) -> None:
    """Add --json."""
    to.add_argument("--json", action="store_true", help=f"print JSON on standard output: {what}")


def add_amount_of_output(to: argparse.ArgumentParser) -> None:
    """Add --quiet and --verbose."""
    amount = to.add_mutually_exclusive_group()
    amount.add_argument(
        "-q", "--quiet", action="store_true", help="print nothing but errors, and what it waits for"
    )
    amount.add_argument(
        "-v", "--verbose", action="store_true", help="print each statement when it begins"
    )


def check_amount_of_output(options: argparse.Namespace) -> None:
    """Refuse --quiet where all that is asked for is output.

    Raises:
        UsageError: with --json, or with --dry-run.
    """
    for name in ("json", "dry_run"):
        if options.quiet and getattr(options, name):
            raise UsageError(f"--quiet and --{name.replace('_', '-')} contradict each other")


def add_shadow_url(to: argparse.ArgumentParser) -> None:
    """Add --shadow-url."""
    to.add_argument(
        "--shadow-url",
        type=value,
        metavar="URL",
        help="use this server for shadows instead of an embedded one; databases whose names begin "
        "with upskill_shadow_ are created on it, and dropped",
    )


def value(text: str) -> str:
    """Read a value; an empty one usually comes from an unset variable in a script.

    Raises:
        ArgumentTypeError: if it is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; leave the option out to use the default")
    return text


def add_show_values(to: argparse.ArgumentParser) -> None:
    """Add --show-values."""
    to.add_argument(
        "--show-values",
        action="store_true",
        help="show everything that the server says about an error, including values of rows; on a "
        "terminal only",
    )


def count(text: str) -> int:
    """Read a number of 1 or more.

    Raises:
        ArgumentTypeError: for anything else.
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def output(text: str) -> Path:
    """Read the name of a file that will be written when all is done.

    Raises:
        ArgumentTypeError: if that would fail.
    """
    path = Path(value(text))
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path} cannot be written")
    return path


def this_project() -> Project:
    """Return the project of this checkout, or of the working directory when installed elsewhere.

    Raises:
        UsageError: when there is no usable alembic.ini.
    """
    beside = Path(__file__).parents[2] / "alembic.ini"
    return project.load(beside if beside.is_file() else Path.cwd() / "alembic.ini")


def environments(of: Project, names: Sequence[str] | None) -> tuple[Environment, ...]:
    """Return the environments with these names, in their order, or all.

    Raises:
        UsageError: when a name is unknown, or given twice.
    """
    if names is None:
        return of.environments
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--database {name} is given more than once", hint="give it once")
    return tuple(of.environment(name) for name in names)


def settings_of(of: Project, chosen: Sequence[Environment]) -> list[Settings]:
    """Read the settings of databases, only here, at the start of a command.

    Raises:
        UsageError: for a missing URL or an invalid setting.
    """
    return [settings.load(of, one) for one in chosen]


def environment(of: Project, names: Sequence[str], what: str) -> Environment:
    """Return the one environment that may be named.

    Args:
        of: the project.
        names: the names on the command line.
        what: the option or command that takes only one.

    Raises:
        UsageError: when the name is unknown, or more than one is given.
    """
    chosen = environments(of, names)
    if len(chosen) > 1:
        given = ", ".join(one.name for one in chosen)
        raise UsageError(
            f"{what} takes one --database, not {len(chosen)}: {given}",
            hint="run the command once for each",
        )
    return chosen[0]
