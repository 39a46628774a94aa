"""Whether a migration is right, by psql and pg_dump: nothing of the catalog's code is used."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psycopg2
from psycopg2 import sql

from scripts.embedded.server import Server
from scripts.files import migration_file
from tests.tools.mutations import Migration, Mutant

HANGS = 60
"""Seconds after which psql or pg_dump is taken to hang."""
_JUDGED = "judged"
"""What pg_dump is told that each database is called: it says so in the dump."""
# A random word, new in each dump, that keeps a dump from running commands of psql.
_RANDOM = re.compile(r"^\\(?:un)?restrict .*\n", re.MULTILINE)
_BLOCK = re.compile(r"^--\n-- Name: ", re.MULTILINE)


class Unlike(NamedTuple):
    """How a dump differs from another."""

    lines: tuple[str, ...]
    """Those that only one of them has."""
    order_only: bool


class Judge:
    """Runs a mutant with psql on a copy of what stands below it, and compares dumps."""

    def __init__(self, postgres: Server, mutant: Mutant, name: str) -> None:
        self._postgres, self._mutant, self._name = postgres, mutant, name
        self._template = template_of(mutant.migration)
        self.order_only = False

    def run(self) -> str:
        """Return why the mutant is a defect; "" where it is none."""
        with database(self._postgres, self._name, self._template):
            return self._up() or self._down()

    def _up(self) -> str:
        self._before = known_dump(self._postgres, self._template)
        if failed := psql(self._postgres, self._name, self._mutant.up):
            return f"UP fails: {failed}"
        self._first = dump(self._postgres, self._name)
        if failed := psql(self._postgres, self._name, self._mutant.up):
            return f"UP again fails: {failed}"
        return self._differs("UP again changes", self._first)

    def _down(self) -> str:
        if not self._mutant.down:
            return ""  # declared irreversible
        if failed := psql(self._postgres, self._name, self._mutant.down):
            return f"DOWN fails: {failed}"
        if differs := self._differs("DOWN leaves", self._before):
            return differs
        if failed := psql(self._postgres, self._name, self._mutant.up):
            return f"UP after DOWN fails: {failed}"
        return self._differs("UP after DOWN changes", self._first)

    def _differs(self, what: str, wanted: str) -> str:
        found = compare(wanted, dump(self._postgres, self._name))
        if found is None:
            return ""
        self.order_only |= found.order_only
        return "" if found.order_only else f"{what}: {' | '.join(found.lines[:4])}"


def compare(wanted: str, found: str) -> Unlike | None:
    """Compare dumps. An order of columns, or of whole statements, is not a defect by itself."""
    if wanted == found:
        return None
    one, other = Counter(_lines(wanted)), Counter(_lines(found))
    unlike = [f"- {line}" for _, line in one - other] + [f"+ {line}" for _, line in other - one]
    return Unlike(tuple(unlike), not unlike)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Give out the lines of a dump, each with the heading of the object that it belongs to."""
    for block in _BLOCK.split(text):
        heading, _, body = block.partition("\n")
        for line in body.splitlines():
            if line.strip() not in ("", "--"):
                yield heading, line.strip().rstrip(",")


def psql(postgres: Server, name: str, text: str) -> str:
    """Run SQL in one transaction; return what the server says against it."""
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", "-"]
    done = _program(postgres, "psql", name, options, text)
    if not done.returncode:
        return ""
    errors = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
    return errors[0].split("ERROR:  ")[-1] if errors else f"exit {done.returncode}"


def dump(postgres: Server, name: str) -> str:
    """Return the schema of a database and its settings. Large objects are data for pg_dump."""
    done = _program(postgres, "pg_dump", name, ["--schema-only", "--create"])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return _RANDOM.sub("", done.stdout).replace(name, _JUDGED)


def _program(
    postgres: Server, program: str, name: str, options: Sequence[str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [str(postgres.bin / program), "-d", postgres.url(name), *options]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=HANGS
    )


@cache
def known_dump(postgres: Server, template: str) -> str:
    """Return the dump of a template, which does not change."""
    return dump(postgres, template)


def template_of(migration: Migration) -> str:
    """Return the name of the database with what is below a migration."""
    return f"below_{Path(migration.history).stem}"


@contextmanager
def database(postgres: Server, name: str, template: str) -> Iterator[None]:
    """Copy a database for a `with` block."""
    execute(postgres, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
    try:
        yield
    finally:
        execute(postgres, "DROP DATABASE {} WITH (FORCE)", name)


def execute(postgres: Server, statement: str, *names: str) -> None:
    """Run a statement outside a transaction."""
    with closing(psycopg2.connect(postgres.url("postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def make_template(postgres: Server, migration: Migration) -> None:
    """Create the database that the copies for a migration's mutants are made of."""
    name = template_of(migration)
    execute(postgres, "CREATE DATABASE {} TEMPLATE template0", name)
    for filename, text in sorted(migration.below.items()):
        up = migration_file.parse(Path(filename), text).up.text
        if failed := psql(postgres, name, up):
            raise RuntimeError(f"{filename}: {failed}")
