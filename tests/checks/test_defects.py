"""Planted defects: each is found under its code, and its clean look-alike gives nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.checks import validation
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from scripts.files import project
from tests.support.workspace import REPOSITORY, Workspace

FOLDER = REPOSITORY / "tests" / "data" / "defects"
STATIC = ("names", "format", "sql", "released", "site")
NONE = "(none)"
REVISION = (
    "from scripts.engine.revision import migration\n\n"
    'revision = "{version}"\ndown_revision = {below}\n\nupgrade, downgrade = migration(__file__)\n'
)


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


def lay_out(root: Path, files: dict[str, str]) -> Workspace:
    """Write the files into a project, with the revision files that are not given."""
    workspace = Workspace.make(root, {}, root)
    below: str | None = None
    for name in sorted(files, key=lambda name: (name.partition("_")[0].zfill(9), name)):
        stem, _, suffix = name.rpartition(".")
        version = name.partition("_")[0]
        if suffix.lower() == "sql":
            (root / "sql/course" / name).write_text(files[name])
        elif files[name].strip() != NONE:
            (root / "course/versions" / name).write_text(files[name])
        if suffix == "sql" and version.isdigit():
            if f"{stem}.py" not in files:
                text = REVISION.format(version=version, below=f'"{below}"' if below else None)
                (root / "course/versions" / f"{stem}.py").write_text(text)
            below = version
    return workspace


def found(root: Path, files: dict[str, str]) -> list[str]:
    """Return the codes that are found in the files."""
    lay_out(root, files)
    here = project.load(root / "alembic.ini")
    checked = validation.files([here.environment("course")], Scope())
    return [one.code for one in validation.findings(checked, Wanted(), STATIC)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("defect", FILES, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(root: Path, defect: Defect) -> None:
    assert set(found(root, defect.bad)) == defect.codes


@pytest.mark.parametrize("defect", FILES, ids=lambda defect: defect.name)
def test_its_clean_look_alike_gives_nothing(root: Path, defect: Defect) -> None:
    assert found(root, defect.good) == []
