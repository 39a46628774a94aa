"""Which environment the rows of a ledger belong to, judged by the environments' files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from scripts.files import checksum
from scripts.files.history import History


class Whose(Enum):
    """What a row shows of the environment that wrote it."""

    OURS = "our file, and nobody else's"
    OUR_NAME = "the name of a file that we alone have, with another text: it was changed since"
    SHARED = "our file, and another environment has the same"
    CONTESTED = "another environment's file; ours of that name has another text, perhaps by now"
    THEIRS = "another environment's file, and we have none of that name"
    UNKNOWN = "nobody's file: a newer release's, or another tool's"


class Verdict(NamedTuple):
    """What one row shows."""

    whose: Whose
    filename: str
    owner: str = ""
    """The other environment that has its file."""


def verdicts(
    rows: Iterable[tuple[str, str]], own: History, others: Iterable[Path]
) -> Iterator[Verdict]:
    """Compare the rows of a ledger with the files, one by one: a few may be enough.

    Args:
        rows: file name and checksum of each.
        own: the environment's files.
        others: the folders of the other environments' SQL files.
    """
    ours = _Folder(own.environment.sql, frozenset(one.filename for one in own.entries))
    theirs = [_Folder(folder) for folder in others]
    return (_verdict(name, text, ours, theirs) for name, text in rows)


class _Folder:
    """A folder's migration files by name: a row may hold anything, and no path is made of it."""

    def __init__(self, path: Path, names: frozenset[str] | None = None) -> None:
        """Know the folder, and its files if they have been listed before."""
        self.path = path
        self._names = names

    @property
    def names(self) -> frozenset[str]:
        """Return the names of its files."""
        if self._names is None:
            with os.scandir(self.path) as found:
                listed = (one.name for one in found if one.name.endswith(".sql") and one.is_file())
                self._names = frozenset(listed)
        return self._names

    def has(self, name: str, text: str) -> bool:
        """Tell whether it has a file of that name with that checksum."""
        return name in self.names and checksum.of_file(str(self.path), name) == text


def _verdict(name: str, text: str, ours: _Folder, theirs: Iterable[_Folder]) -> Verdict:
    owner = next((one.path.name for one in theirs if one.has(name, text)), "")
    if owner:
        alike = Whose.SHARED if ours.has(name, text) else Whose.CONTESTED
        return Verdict(alike if name in ours.names else Whose.THEIRS, name, owner)
    if ours.has(name, text):
        return Verdict(Whose.OURS, name)
    alone = name in ours.names and not any(name in one.names for one in theirs)
    return Verdict(Whose.OUR_NAME if alone else Whose.UNKNOWN, name)
