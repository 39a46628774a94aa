"""Projects that validate looks at: migrations written with their revision files, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts import validate
from scripts.checks import validation
from scripts.checks.finding import Finding
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from scripts.files import project
from tests.support.workspace import Workspace

NONE = "(none)"
REVISION = (
    "from scripts.engine.revision import migration\n\n"
    'revision = "{version}"\ndown_revision = {below}\n\nupgrade, downgrade = migration(__file__)\n'
)


def lay_out(root: Path, files: Mapping[str, str]) -> Workspace:
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


def findings(
    root: Path,
    scope: Scope | None = None,
    wanted: Wanted | None = None,
    groups: Sequence[str] = validate._FILES,
) -> list[Finding]:
    """Return what validate.py finds in the files of a project."""
    here = project.load(root / "alembic.ini")
    checked = validation.files([here.environment("course")], scope or Scope())
    return validation.findings(checked, wanted or Wanted(), groups)


def codes(root: Path, files: Mapping[str, str]) -> list[str]:
    """Return the codes that are found in files."""
    lay_out(root, files)
    return [one.code for one in findings(root)]
