"""Checks of what is on disk: names, numbers, pairs, sections, headers. No database."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts.checks.finding import Finding, Severity
from scripts.errors import FormatError
from scripts.files import history, migration_file
from scripts.files.history import Entry
from scripts.files.project import Environment, shown


def check(environment: Environment) -> Iterator[Finding]:
    """Find what is wrong with an environment's files."""
    found, problems = history.survey(environment)
    for problem in problems:
        yield Finding(
            code="history",
            severity=Severity.ERROR,
            where=problem.where or shown(environment.sql),
            message=problem.what,
            way_out=problem.way_out,
        )
    yield from _gaps(found.entries)
    for entry in found.entries:
        yield from _format(entry)
    below: Entry | None = None
    for entry in found.entries:
        yield from _revision(environment, entry, below)
        below = entry


def _gaps(entries: tuple[Entry, ...]) -> Iterator[Finding]:
    expected = 1
    for entry in entries:
        if entry.number > expected:
            yield Finding(
                code="version-gap",
                severity=Severity.WARNING,
                where=shown(entry.path),
                message=f"version {entry.version} follows {expected - 1}: {expected} is missing",
                way_out="a file that was never released may be renumbered",
            )
        expected = entry.number + 1


def _format(entry: Entry) -> Iterator[Finding]:
    try:
        file = migration_file.read(entry.path)
    except FormatError as error:
        yield Finding(
            code="format",
            severity=Severity.ERROR,
            where=error.where,
            message=error.what,
            way_out=error.way_out,
        )
        return
    if file.header.migration and file.header.migration != entry.filename:
        yield Finding(
            code="header-name",
            severity=Severity.WARNING,
            where=f"{shown(entry.path)}:1",
            message=f"the header says 'Migration: {file.header.migration}'",
            way_out=f"write '-- Migration: {entry.filename}' if the file is not released yet",
        )


def _revision(environment: Environment, entry: Entry, below: Entry | None) -> Iterator[Finding]:
    """Hold a revision file against the one shape that it may have."""
    path = environment.versions / f"{entry.path.stem}.py"
    if not path.is_file():
        return  # said by `history`
    expected = {
        "revision": entry.version,
        "down_revision": below.version if below else None,
    }
    for name, found in _assigned(path).items():
        if name in expected and found != expected[name]:
            yield Finding(
                code="revision-chain",
                severity=Severity.ERROR,
                where=shown(path),
                message=f"{name} is {found!r} and has to be {expected[name]!r}",
                way_out="the chain of revisions follows the numbers of the files",
            )
        expected.pop(name, None)
    for name in expected:
        yield Finding(
            code="revision-chain",
            severity=Severity.ERROR,
            where=shown(path),
            message=f"it does not set {name}",
            way_out=f"write {name} = {expected[name]!r}",
        )


def _assigned(path: Path) -> dict[str, object]:
    """Read a revision file's simple assignments without running it."""
    try:
        tree = ast.parse(path.read_bytes(), path.name)
    except (SyntaxError, ValueError):
        return {}
    values: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    values[target.id] = node.value.value
    return values
