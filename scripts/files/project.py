"""alembic.ini → the project and its environments."""

from __future__ import annotations

import configparser
import functools
import os
import re
from pathlib import Path
from typing import NamedTuple

from scripts.errors import UsageError

_NO_ENVIRONMENT = "alembic"
"""The section that Alembic reads without -n; here it only asks for -n."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Environment(NamedTuple):
    """One database with its Alembic environment: a section of alembic.ini."""

    name: str
    folder: Path
    """Holds env.py and versions/."""
    sql: Path
    """Holds the migration files."""
    ignore: tuple[str, ...] = ()
    """Patterns for objects of the database that are not the migrations'."""

    @property
    def versions(self) -> Path:
        """Return the folder of the revision files."""
        return self.folder / "versions"

    def url_setting(self, *, direct: bool = False) -> str:
        """Return the name of the setting that holds the URL, or the one past a pooler."""
        return f"{self.name.upper()}_DB_{'DIRECT_' if direct else ''}URL"


class Project(NamedTuple):
    """A checkout: where alembic.ini is, and the environments that it defines."""

    root: Path
    ini: Path
    environments: tuple[Environment, ...]

    def environment(self, name: str) -> Environment:
        """Return the environment of that name.

        Raises:
            UsageError: when alembic.ini has none; it names the existing ones.
        """
        for environment in self.environments:
            if environment.name == name:
                return environment
        names = [environment.name for environment in self.environments]
        import difflib

        close = difflib.get_close_matches(name, names, 1)
        raise UsageError(
            f"'{name}' is not an environment in {shown(self.ini)}",
            detail=f"environments: {', '.join(names)}",
            hint=f"did you mean '{close[0]}'?" if close else "",
        )


def load(ini: Path) -> Project:
    """Read alembic.ini.

    Args:
        ini: its path.

    Raises:
        UsageError: when it cannot be read or defines no usable environment.
    """
    try:
        parser = parsed(ini)
        environments = tuple(
            _environment(parser[name], ini)
            for name in parser.sections()
            if name != _NO_ENVIRONMENT and parser.has_option(name, "script_location")
        )
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {shown(ini)}", detail=str(error)) from error
    if not environments:
        raise UsageError(
            f"{shown(ini)} defines no environment",
            hint="add a section such as [course] with script_location = %(here)s/course",
        )
    return Project(ini.parent.absolute(), ini.absolute(), environments)


def parsed(ini: Path) -> configparser.ConfigParser:
    """Read alembic.ini as Alembic does, but as UTF-8 in every locale, and in any folder.

    Alembic puts the folder's path in as `here` without doubling its `%`, so that its parser takes
    what follows for a placeholder.

    Raises:
        UsageError: when there is no such file, or it cannot be read.
        configparser.Error: when it is not an INI file.
        UnicodeDecodeError: when it is not UTF-8.
    """
    parser = configparser.ConfigParser({"here": str(ini.parent.absolute()).replace("%", "%%")})
    try:
        parser.read_string(ini.read_text(encoding="utf-8"), str(ini))
    except FileNotFoundError as error:
        raise UsageError(
            f"{shown(ini)} does not exist", hint="run the command in the project's folder"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{shown(ini)} cannot be read: {(error.strerror or str(error)).lower()}",
            hint="check its owner and permissions",
        ) from error
    return parser


def shown_file(folder: Path, filename: str) -> str:
    """Return the path of a file for people, see `shown`: a folder has thousands."""
    return f"{_shown_folder(folder, os.getcwd())}/{filename}"  # noqa: PTH109


@functools.lru_cache(maxsize=16)
def _shown_folder(folder: Path, _: str) -> str:
    return shown(folder)


def shown(path: Path) -> str:
    """Return a path for people: relative when it is below the working directory, else absolute."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working directory was removed
        return str(path)
    is_below = here != Path(here.anchor) and path.is_relative_to(here)
    return str(path.relative_to(here)) if is_below else str(path)


def _environment(section: configparser.SectionProxy, ini: Path) -> Environment:
    if not _NAME.fullmatch(section.name):
        raise UsageError(
            f"[{section.name}] in {shown(ini)} is not a valid name for an environment",
            hint="use lower-case letters, digits and _, with a letter first: the name becomes "
            "part of paths and settings",
        )
    folder = ini.parent.absolute() / section["script_location"]
    patterns = (line.strip() for line in section.get("ignore", "").splitlines())
    ignore = tuple(pattern for pattern in patterns if pattern)
    return Environment(section.name, folder, folder.parent / "sql" / section.name, ignore)
