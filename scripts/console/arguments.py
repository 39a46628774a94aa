"""Options that several commands share, and the project that they are about."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scripts.console.entry import EXIT_CODES
from scripts.engine import settings
from scripts.engine.settings import Settings
from scripts.errors import UsageError
from scripts.files import project
from scripts.files.project import Environment, Project


def parser(description: str | None, examples: Sequence[str]) -> argparse.ArgumentParser:
    """Make a command's parser, with examples and exit codes below its help.

    Args:
        description: the command's docstring.
        examples: command lines to show.
    """
    shown = "\n".join(f"  {example}" for example in examples)
    return argparse.ArgumentParser(
        description=description,
        epilog=f"examples:\n{shown}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_database(to: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add --database.

    Args:
        to: the command's parser.
        required: whether the command takes one, and no more: see `environment`.
    """
    to.add_argument(
        "--database",
        action="append",
        type=value,
        metavar="NAME",
        required=required,
        help="an environment of alembic.ini, such as auth or course"
        + ("" if required else "; may be given several times; all of them when left out"),
    )


def add_json(to: argparse.ArgumentParser, what: str) -> None:
    """Add --json."""
    to.add_argument("--json", action="store_true", help=f"{what} on standard output")


def value(text: str) -> str:
    """Read a value that means something: an empty one is a variable of a script that is not set.

    Raises:
        ArgumentTypeError: for one that is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; leave the option out if that is meant")
    return text


def add_show_values(to: argparse.ArgumentParser) -> None:
    """Add --show-values."""
    to.add_argument(
        "--show-values",
        action="store_true",
        help="show all that the server says of an error, with values of rows; on a terminal only",
    )


def count(text: str) -> int:
    """Read how many of something are wanted.

    Raises:
        ArgumentTypeError: for less than one, or no number.
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def this_project() -> Project:
    """Return the project of this checkout, or of the working directory when installed elsewhere.

    Raises:
        UsageError: when there is no usable alembic.ini.
    """
    beside = Path(__file__).parents[2] / "alembic.ini"
    return project.load(beside if beside.is_file() else Path.cwd() / "alembic.ini")


def environments(of: Project, names: Sequence[str] | None) -> tuple[Environment, ...]:
    """Return the environments of these names, in their order, or all.

    Raises:
        UsageError: when there is none of a name, or one is given twice.
    """
    if names is None:
        return of.environments
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--database {name} is given twice", way_out="give it once")
    return tuple(of.environment(name) for name in names)


def settings_of(of: Project, chosen: Sequence[Environment]) -> list[Settings]:
    """Read the settings of databases: here, where a command begins, and nowhere below.

    Raises:
        UsageError: for a URL that is missing, or a setting that makes no sense.
    """
    return [settings.load(of, one) for one in chosen]


def environment(of: Project, names: Sequence[str], what: str) -> Environment:
    """Return the environment of the one name that may be given.

    Args:
        of: the project.
        names: those that were given.
        what: what takes one only.

    Raises:
        UsageError: when there is none of that name, or more than one is given.
    """
    chosen = environments(of, names)
    if len(chosen) > 1:
        given = ", ".join(one.name for one in chosen)
        raise UsageError(
            f"{what} takes one --database, and these are given: {given}",
            way_out="run the command once for each",
        )
    return chosen[0]
