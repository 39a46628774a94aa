"""Planted defects: each is found under its code, and its clean look-alike gives nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.projects import codes
from tests.support.workspace import REPOSITORY

FOLDER = REPOSITORY / "tests" / "data" / "defects"


@dataclass
class Defect:
    """A set of migrations with a defect, and one that only looks like it."""

    name: str
    codes: frozenset[str]
    level: str
    bad: dict[str, str] = field(default_factory=dict)
    good: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Defect:
    """Read `codes:` and `level:`, then files, each below a line `=== bad|good NAME`."""
    head, *parts = path.read_text().split("=== ")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    defect = Defect(path.stem, frozenset(fields["codes"].split()), fields["level"])
    for part in parts:
        first, _, text = part.partition("\n")
        kind, name = first.split()
        (defect.bad if kind == "bad" else defect.good)[name] = text
    return defect


DEFECTS = [read(path) for path in sorted(FOLDER.iterdir())]
FILES = [defect for defect in DEFECTS if defect.level == "files"]


@pytest.mark.parametrize("defect", FILES, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(root: Path, defect: Defect) -> None:
    assert set(codes(root, defect.bad)) == defect.codes


@pytest.mark.parametrize("defect", FILES, ids=lambda defect: defect.name)
def test_its_clean_look_alike_gives_nothing(root: Path, defect: Defect) -> None:
    assert codes(root, defect.good) == []
