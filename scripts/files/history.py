"""The migration files of an environment, in order, and the revision files that go with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from scripts.errors import HistoryError, UsageError
from scripts.files import checksum, names
from scripts.files.project import Environment, shown

VERSION_LIMIT = 32
"""alembic_version.version_num is VARCHAR(32)."""
RENUMBERING = (
    "rename both of its files, then set `revision` and `down_revision` in the revision file, and "
    "'-- Migration:' in the SQL file"
)
"""How to renumber a migration that no database has run."""
SHADOW = "shadow.sql"
"""Prepares an empty database for the proof of the migrations; it is none itself."""
_ORDER = attrgetter("number", "filename")
"""Puts two files of one version in the order of their names, not of the disk."""
_REVISION = """\
from scripts.engine.revision import migration
revision = "{version}"
down_revision = {below}
upgrade, downgrade = migration(__file__)"""
_NAME = re.compile(r"([0-9]{1,32})_([A-Za-z0-9][A-Za-z0-9_-]*)")


class Entry(NamedTuple):
    """One migration, known by the name of its file; nothing of the file has been read."""

    version: str
    slug: str
    folder: Path
    filename: str
    number: int
    """The version as a number: 2 and 002 are the same version."""

    @property
    def stem(self) -> str:
        """Return the name without its ending, which SQL file and revision file share."""
        return f"{self.version}_{self.slug}"

    @property
    def path(self) -> Path:
        """Return the path of the file: made here, because there may be thousands of them."""
        return self.folder / self.filename


class History:
    """The migrations of one environment, by version."""

    def __init__(
        self,
        environment: Environment,
        entries: tuple[Entry, ...],
        problems: tuple[HistoryError, ...] = (),
    ) -> None:
        """Keep what `survey` has found."""
        self.environment = environment
        self.entries = entries
        self.problems = problems
        """What keeps the files from being one history: see `survey`."""
        self._checksums: dict[str, str] = {}

    def check(self) -> None:
        """Make sure that the files are one history.

        Raises:
            HistoryError: for the first problem.
        """
        if self.problems:
            raise self.problems[0]

    def checksum(self, entry: Entry) -> str:
        """Return the checksum of a file, as it was when it was first asked for.

        Raises:
            OSError: when it cannot be read.
        """
        known = self._checksums.get(entry.filename)
        if known is None:
            known = checksum.of_file(str(entry.folder), entry.filename)
            self._checksums[entry.filename] = known
        return known

    @cached_property
    def by_number(self) -> dict[int, Entry]:
        """Return the migrations by their version as a number."""
        return {entry.number: entry for entry in self.entries}

    def find(self, version: str) -> Entry | None:
        """Return the migration of that version, compared as a number."""
        return self.by_number.get(number(version))

    def get(self, version: str) -> Entry:
        """Return the migration of that version, compared as a number.

        Raises:
            UsageError: when there is none; it names the existing versions.
        """
        if version.isascii() and version.isdigit() and len(version) <= VERSION_LIMIT:
            entry = self.find(version)
            if entry:
                return entry
        import difflib

        known = [entry.version for entry in self.entries]
        close = difflib.get_close_matches(version, known, 1)
        listed = f"{known[0]} to {known[-1]}" if known else "none"
        raise UsageError(
            f"{self.environment.name} has no version '{version}'",
            detail=f"versions in {shown(self.environment.sql)}: {listed}",
            hint=f"did you mean {close[0]}?" if close else "",
        )


def number(version: str) -> int:
    """Return a version as a number.

    Raises:
        HistoryError: when it is not a number, as in a ledger that another tool wrote.
    """
    if not (version.isascii() and version.isdigit() and len(version) <= VERSION_LIMIT):
        raise HistoryError(f"'{version}' is not a version: versions are numbers such as 004")
    return int(version)


def read(environment: Environment) -> History:
    """List an environment's migrations.

    Raises:
        HistoryError: for the first problem that keeps the files from being one history.
    """
    history, _ = survey(environment)
    history.check()
    return history


def survey(environment: Environment) -> tuple[History, list[HistoryError]]:
    """List an environment's migrations, with everything that is wrong with their file names.

    Returns:
        The history of the well-named files, and the problems: invalid names, versions that
        two files share, a file of one kind without its counterpart. Gaps are not among them.
    """
    problems: list[HistoryError] = []
    entries = sorted(_entries(environment, ".sql", problems), key=_ORDER)
    revisions = sorted(_entries(environment, ".py", problems), key=_ORDER)
    problems += _duplicates(entries)
    problems += _duplicates(revisions)
    problems += _unpaired(environment, entries, revisions)
    return History(environment, tuple(entries), tuple(problems)), problems


def next_version(environment: Environment) -> str:
    """Return the version that a new migration gets: one above the highest, as wide as the others.

    Both folders count, so that a file without its counterpart keeps its number.
    """
    entries = [
        *_entries(environment, ".sql", []),
        *_entries(environment, ".py", []),
    ]
    last = max(entries, key=lambda entry: entry.number, default=None)
    if last is None:
        return "001"
    return str(last.number + 1).zfill(max(3, len(last.version)))


def _entries(
    environment: Environment, suffix: str, problems: list[HistoryError]
) -> Iterator[Entry]:
    folder = environment.sql if suffix == ".sql" else environment.versions
    problem = names.folder(folder, environment.folder.parent)
    if problem:
        problems.append(problem)
        return
    with os.scandir(folder) as listed:
        for one in listed:
            filename = one.name
            if not filename.lower().endswith(suffix) or filename.startswith((".", "__")):
                continue
            if filename == SHADOW:
                continue
            if one.is_symlink() and _leads_outside(folder, filename):
                problems.append(names.link(folder / filename))
                continue
            name = _NAME.fullmatch(filename, 0, len(filename) - len(suffix))
            if name and filename.endswith(suffix):
                version, slug = name.groups()
                yield Entry(version, slug, folder, filename, int(version))
            else:
                problems.append(names.misnamed(folder / filename, suffix))


def _leads_outside(folder: Path, filename: str) -> bool:
    return not (folder / filename).resolve().is_relative_to(folder.resolve())


def _duplicates(entries: Sequence[Entry]) -> Iterator[HistoryError]:
    if len({entry.number for entry in entries}) == len(entries):
        return
    seen: dict[int, Entry] = {}
    for entry in entries:
        first = seen.setdefault(entry.number, entry)
        if first is not entry:
            yield HistoryError(
                f"two files have version {entry.version}: {first.filename} and {entry.filename}",
                where=shown(entry.path),
                hint=f"give one of them the next free number: {RENUMBERING}",
            ).coded("duplicate-number")


def _unpaired(
    environment: Environment, entries: list[Entry], revisions: list[Entry]
) -> Iterator[HistoryError]:
    sql = {entry.filename[: -len(".sql")]: entry for entry in entries}
    python = {entry.filename[: -len(".py")]: entry for entry in revisions}
    if sql.keys() == python.keys():
        return
    for stem in sorted(sql.keys() - python.keys()):
        yield HistoryError(
            f"{stem}.sql has no revision file, so Alembic would never run it",
            where=shown(sql[stem].path),
            hint=f"create {shown(environment.versions / stem)}.py:\n"
            + _revision(sql[stem], entries),
        ).coded("missing-revision")
    for stem in sorted(python.keys() - sql.keys()):
        yield HistoryError(
            f"{stem}.py has no migration file",
            where=shown(python[stem].path),
            hint=f"restore {shown(environment.sql / stem)}.sql, or delete the revision file",
        ).coded("missing-sql")


def _revision(entry: Entry, entries: list[Entry]) -> str:
    """Return the text that a migration's missing revision file needs."""
    below = [one.version for one in entries if one.number < entry.number]
    return _REVISION.format(version=entry.version, below=f'"{below[-1]}"' if below else None)
