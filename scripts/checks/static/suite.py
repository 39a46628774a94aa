"""The first level: all checks of an environment's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scripts.checks.finding import Finding
from scripts.checks.git import Base
from scripts.checks.static import (
    created,
    grammar,
    naming,
    released,
    repeatable,
    reversal,
    rows,
    squawk,
    transaction,
)
from scripts.checks.suppression import Ignores
from scripts.checks.touch import Touch
from scripts.checks.tree import source as sources
from scripts.checks.tree.source import Source
from scripts.errors import UsageError
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which migrations are checked."""

    base: Base | None = None
    """Check those that this branch lacks, and that those it has are unchanged."""
    since: str = ""
    """Check those above this version."""

    def check(self, environments: Sequence[Environment]) -> None:
        """Make sure that at least one environment has a migration above `since`.

        Raises:
            UsageError: when none has.
        """
        if not self.since:
            return
        since = history.number(self.since)
        last = {one.name: history.survey(one)[0].entries[-1:] for one in environments}
        if any(entry.number >= since for entries in last.values() for entry in entries):
            return
        raise UsageError(
            f"--since {self.since} is above the last version: no migration would be checked",
            detail="\n".join(
                f"{name}: last version {entries[0].version}"
                if entries
                else f"{name}: no migrations"
                for name, entries in last.items()
            ),
            hint="give the last version that needs no check",
        )

    def chosen(self, environment: Environment, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return those to check."""
        if self.base:
            entries = released.new(environment, entries, self.base)
        if self.since:
            above = history.number(self.since)
            entries = tuple(entry for entry in entries if entry.number > above)
        return entries


@dataclass
class Checked:
    """What was found, and what the next level needs."""

    environment: Environment
    entries: tuple[Entry, ...]
    """All of the environment's migrations."""
    chosen: tuple[Entry, ...]
    """Those that were checked."""
    findings: list[Finding] = field(default_factory=list)
    ignores: dict[str, Ignores] = field(default_factory=dict)
    """The comments that silence findings, by the file's path as people name it."""
    sources: dict[str, Source] = field(default_factory=dict)
    """Those that were checked, read, by the names of their files."""
    touches: list[Touch] = field(default_factory=list)
    """What the UPs do to tables that were there, if they were run on a shadow."""
    reached: set[str] = field(default_factory=set)
    """Those that were run on a shadow, by the file's path as people name it."""
    is_whole: bool = True
    """Whether the files are one history whose SQL could be read."""


def check(environment: Environment, scope: Scope) -> Checked:
    """Check an environment's files.

    Raises:
        UsageError: when squawk or git fails.
    """
    found, problems = history.survey(environment)
    chosen = scope.chosen(environment, found.entries)
    checked = Checked(environment, found.entries, chosen)
    checked.is_whole = not problems
    checked.findings += naming.problems(environment, problems)
    checked.findings += naming.gaps(environment, found.entries)
    checked.findings += naming.chain(environment, found.entries)
    if scope.base:
        checked.findings += released.check(environment, found.entries, scope.base)
    read: list[Source] = []
    for entry in chosen:
        source = sources.read(environment.name, entry)
        checked.is_whole &= source.file is not None
        read.append(source)
    by_file: dict[str, list[Finding]] = {source.path: [] for source in read}
    for source in read:
        by_file[source.path] += _of_file(source)
    whole = _history(environment, found.entries, read)
    for finding in (*squawk.check(read), *created.check(whole, by_file)):
        by_file[finding.path].append(finding)
    checked.sources = {source.entry.filename: source for source in read}
    for source in read:
        ignores = Ignores(source)
        checked.ignores[source.path] = ignores
        checked.findings += ignores.problems
        checked.findings += ignores.apply(by_file[source.path])
    return checked


def _history(
    environment: Environment, entries: tuple[Entry, ...], read: list[Source]
) -> Iterator[Source]:
    """Yield all migrations, up to the last of those that have been read."""
    known = {source.entry.filename: source for source in read}
    for entry in entries:
        if not known:
            return
        if entry.filename in known:
            yield known.pop(entry.filename)
        else:
            yield sources.read(environment.name, entry)


def _of_file(source: Source) -> Iterator[Finding]:
    yield from grammar.check(source)
    yield from repeatable.check(source)
    yield from reversal.check(source)
    yield from transaction.check(source)
    yield from rows.check(source)
