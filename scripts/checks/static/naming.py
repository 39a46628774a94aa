"""Names and numbers of migration files, and the revision files that go with them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from scripts.checks.finding import Finding
from scripts.errors import HistoryError
from scripts.files import checksum, history, revision_file
from scripts.files.history import Entry
from scripts.files.project import Environment, shown, shown_file


def problems(environment: Environment, found: list[HistoryError]) -> Iterator[Finding]:
    """Report what `history.survey` found wrong with the names of the files."""
    for problem in found:
        yield Finding(
            code=problem.code,
            database=environment.name,
            path=problem.where or shown(environment.sql),
            message=problem.what,
            hint=problem.hint,
        )


def gaps(environment: Environment, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Find numbers that are missing."""
    expected = 1
    for entry in entries:
        if entry.number > expected:
            missing, last = (
                str(one).zfill(len(entry.version)) for one in (expected, entry.number - 1)
            )
            what = (
                f"version {missing} is" if missing == last else f"versions {missing} to {last} are"
            )
            yield Finding(
                code="number-gap",
                database=environment.name,
                path=shown(entry.path),
                message=f"{what} missing before {entry.version}",
                hint=f"if {entry.version} is not released, renumber it to {missing}: "
                f"{history.RENUMBERING}",
            )
        expected = entry.number + 1


def chain(environment: Environment, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Compare each revision file with the only form that it may have."""
    below: Entry | None = None
    heads: dict[object, str] = {}
    folder = str(environment.versions)
    for entry in entries:
        name = f"{entry.stem}.py"
        if os.path.isfile(f"{folder}/{name}"):  # noqa: PTH113 - many
            data = checksum.read(folder, name)
            path = shown_file(environment.versions, name)
            revision = _Revision(environment.name, path, data, entry, below)
            yield from revision.findings()
            parent = revision.values.get("down_revision")
            if parent in heads:
                yield revision.finding(
                    "several-heads",
                    f"{heads[parent]} and {entry.version} both "
                    + (f"follow {parent}" if parent else "begin the history"),
                    "each revision follows the next lower number: write down_revision = "
                    f"{_literal(below.version if below else None)}",
                )
            heads[parent] = entry.version
        below = entry


def _literal(version: str | None) -> str:
    return f'"{version}"' if version else "None"


class _Revision:
    """A revision file, and what is found in it."""

    def __init__(
        self, environment: str, path: str, data: bytes, entry: Entry, below: Entry | None
    ) -> None:
        self._environment, self._path = environment, path
        self._file = revision_file.parse(data)
        self._links = revision_file.links(self._file.values, entry, below)
        self.values = self._file.values

    def findings(self) -> Iterator[Finding]:
        """Report what differs from the form."""
        if self.values:
            for link in self._links:
                hint = f"write {link.written}: revisions follow the numbers of their files"
                yield self.finding("broken-chain", link.problem, hint)
        for line, problem in self._file.problems:
            yield self.finding("revision-code", problem, revision_file.SHAPE, line)

    def finding(self, code: str, message: str, hint: str, line: int = 0) -> Finding:
        """Return a finding in this file."""
        return Finding(
            code=code,
            database=self._environment,
            path=self._path,
            line=line,
            message=message,
            hint=hint,
        )
