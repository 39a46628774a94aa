"""Which environment the rows of a ledger belong to, judged by the environments' files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from scripts.files import migration_file


class Whose(Enum):
    """What a row shows of the environment that wrote it."""

    OURS = "our file, and nobody else's"
    OUR_NAME = "the name of a file that we alone have, with another text: it was changed since"
    SHARED = "our file, and another environment has the same"
    CONTESTED = "another environment's file; ours of that name has another text, perhaps by now"
    THEIRS = "another environment's file, and we have none of that name"
    UNKNOWN = "nobody's file: a newer release's, or another tool's"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one row shows."""

    whose: Whose
    filename: str
    owner: str = ""
    """The other environment that has its file."""


def verdicts(
    rows: Iterable[tuple[str, str]], own: Path, others: Iterable[Path]
) -> tuple[Verdict, ...]:
    """Compare the rows of a ledger with the files.

    Args:
        rows: file name and checksum of each.
        own: the environment's folder of SQL files.
        others: those of the other environments.
    """
    ours = _files(own)
    theirs = {folder.name: _files(folder) for folder in others}
    return tuple(_verdict(name, checksum, ours, theirs) for name, checksum in rows)


def _verdict(
    name: str, checksum: str, ours: dict[str, Path], theirs: dict[str, dict[str, Path]]
) -> Verdict:
    owner = next((one for one, files in theirs.items() if _has(files, name, checksum)), "")
    if owner:
        alike = Whose.SHARED if _has(ours, name, checksum) else Whose.CONTESTED
        return Verdict(alike if name in ours else Whose.THEIRS, name, owner)
    if _has(ours, name, checksum):
        return Verdict(Whose.OURS, name)
    alone = name in ours and not any(name in files for files in theirs.values())
    return Verdict(Whose.OUR_NAME if alone else Whose.UNKNOWN, name)


def _has(files: dict[str, Path], name: str, checksum: str) -> bool:
    return name in files and migration_file.checksum(files[name].read_bytes()) == checksum


def _files(folder: Path) -> dict[str, Path]:
    """Return a folder's files by name: a row may hold anything, and no path is made of it."""
    return {path.name: path for path in folder.glob("*.sql") if path.is_file()}
