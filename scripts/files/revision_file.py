"""The one form that a revision file may have: it points Alembic at its migration file.

It is read without being run. All changes to a database must be in the SQL, which is what is
reviewed, checksummed, kept in the ledger and rolled back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from scripts.errors import HistoryError
from scripts.files import checksum
from scripts.files.history import Entry, History
from scripts.files.project import shown

if TYPE_CHECKING:
    import ast

SHAPE = (
    "a revision file contains only a docstring, one import, revision, down_revision and "
    "`upgrade, downgrade = migration(__file__)`"
)
_POINTS = "upgrade, downgrade = migration(__file__)"
_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")
# The template's text, which nearly every file has: these need not be parsed.
_MADE = re.compile(
    rb'"""[^"\\]*"""\n\nfrom scripts\.engine\.revision import migration\n\n'
    rb'revision = "(\d+)"\ndown_revision = (?:None|"(\d+)")\n\n'
    rb"upgrade, downgrade = migration\(__file__\)\n"
)


class RevisionFile:
    """What a revision file says, and what is wrong with it."""

    def __init__(self, values: dict[str, object] | None = None) -> None:
        """Begin with what it sets, by name."""
        self.values = values or {}
        self.problems: list[tuple[int, str]] = []
        """Line, and what is wrong there; line 0 for the whole file."""


def parse(data: bytes) -> RevisionFile:
    """Read a revision file without running it."""
    made = _MADE.fullmatch(data)
    if made:
        below = made[2].decode() if made[2] else None
        return RevisionFile({"revision": made[1].decode(), "down_revision": below})
    import ast

    found = RevisionFile()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        found.problems.append(
            (getattr(error, "lineno", 0) or 0, f"it is not valid Python: {error}")
        )
        return found
    points = False
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node) == _POINTS:
            points = True
        elif not _belongs(node, found):
            what = ast.unparse(node).partition("\n")[0][:60]
            found.problems.append((node.lineno, f"it does more than name its SQL file: {what}"))
    if not points:
        found.problems.insert(0, (0, f"`{_POINTS}` is missing"))
    return found


class BrokenLink(NamedTuple):
    """Something that a revision file sets, and that leaves the order of the numbers."""

    problem: str
    written: str
    """What it has to be: `down_revision = "001"`."""


def links(values: dict[str, object], entry: Entry, below: Entry | None) -> Iterator[BrokenLink]:
    """Hold the place that a revision file has among the others against the numbers.

    Args:
        values: what it sets.
        entry: its migration.
        below: the migration before it.
    """
    wanted = {"revision": entry.version, "down_revision": below.version if below else None}
    for name, expected in wanted.items():
        written = f'{name} = "{expected}"' if expected else f"{name} = None"
        if name not in values:
            yield BrokenLink(f"{name} is not set", written)
        elif values[name] != expected:
            yield BrokenLink(f"{name} is {values[name]!r} but must be {expected!r}", written)


def check(history: History, above: int = -1) -> None:
    """Refuse revision files that do more than the template's, before any of them is run.

    Args:
        history: the migrations, whose order the revision files have to have.
        above: a version, as a number: only what comes after it is run. Else all files in the
            folder are, whatever they are called.

    Raises:
        HistoryError: for the first of them, with its line.
    """
    environment = history.environment
    if not environment.versions.is_dir():
        return
    folder = str(environment.versions)
    checked = [entry for entry in history.entries if entry.number > above]
    names = _listed(folder) if above < 0 else _existing(folder, checked)
    files = {name: parse(checksum.read(folder, name)) for name in names}
    for name, file in files.items():
        for line, problem in file.problems[:1]:
            path = environment.versions / name
            raise HistoryError(
                f"{name} is not a valid revision file: {problem}",
                where=f"{shown(path)}:{line}" if line else shown(path),
                state=f"nothing was changed in {environment.name}",
                hint=f"{SHAPE}; move everything else into its SQL file",
            ).coded("revision-code")
    below = next((one for one in reversed(history.entries) if one.number <= above), None)
    for entry in checked:
        found = files.get(f"{entry.stem}.py")
        for link in links(found.values, entry, below) if found else ():
            raise HistoryError(
                "the revision files leave the order of the numbers",
                where=shown(environment.versions / f"{entry.stem}.py"),
                detail=link.problem,
                state=f"nothing was changed in {environment.name}",
                hint=f"write {link.written}",
            ).coded("broken-chain")
        below = entry


def _listed(folder: str) -> list[str]:
    with os.scandir(folder) as listed:
        return sorted(one.name for one in listed if one.name.endswith(".py"))


def _existing(folder: str, entries: Iterable[Entry]) -> list[str]:
    """Return the names of the revision files; a rollback needs none."""
    names = (f"{entry.stem}.py" for entry in entries)
    return [name for name in names if os.path.exists(f"{folder}/{name}")]  # noqa: PTH110 - many


def _belongs(node: ast.stmt, found: RevisionFile) -> bool:
    import ast

    match node:
        case (
            ast.Expr(ast.Constant(str()))
            | ast.ImportFrom(module="__future__" | "scripts.engine.revision")
        ):
            return True
        case ast.Assign([ast.Name(name)], ast.Constant(value)):
            found.values[name] = value
            return name in _NAMES
        case _:
            return False
