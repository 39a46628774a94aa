"""The examples that are no SQL: names, revision files, what a branch does to released files.

Each is built here as its page says it, on top of the frame.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.checks.finding import Finding
from tests.support.frame import FRAME, whole
from tests.support.projects import NONE, REVISION, findings, lay_out

COUPONS, REVIEWS = "007_add_coupons", "008_add_reviews"
SQL = whole("CREATE SCHEMA IF NOT EXISTS more;")
TRIGGERS = "006_add_triggers.sql"


@dataclass(frozen=True, kw_only=True)
class Built:
    """How the two examples of a page become files."""

    bad: Mapping[str, str]
    good: Mapping[str, str]
    says: tuple[str, ...]
    """What both examples together have to speak of, as it is what is built."""
    after: Callable[[Path], None] = lambda root: None
    """What else is done to the files of the bad one."""


def revision(version: str, below: str, more: str = "") -> str:
    """Return a revision file."""
    return REVISION.format(version=version, below=f'"{below}"') + more


def link_out(root: Path) -> None:
    """Put a link where a file was."""
    path = root / f"sql/course/{COUPONS}.sql"
    (root.parent / "coupons.sql").write_text(path.read_text())
    path.unlink()
    path.symlink_to(root.parent / "coupons.sql")


ONE = {f"{COUPONS}.sql": SQL}
TWO = {**ONE, f"{REVIEWS}.sql": SQL.replace("more", "reviews")}
NAMES = {
    "file-name": Built(bad={"add-coupons.sql": SQL}, good=ONE, says=("add-coupons.sql", COUPONS)),
    "link-outside": Built(bad=ONE, good=ONE, says=(COUPONS, "->"), after=link_out),
    "duplicate-number": Built(
        bad={**ONE, "007_add_reviews.sql": SQL, "007_add_reviews.py": revision("007", "006")},
        good=TWO,
        says=(COUPONS, "007_add_reviews.sql", REVIEWS),
    ),
    "number-gap": Built(
        bad={f"{REVIEWS}.sql": SQL},
        good={"007_add_reviews.sql": SQL},
        says=(f"{TRIGGERS}, then {REVIEWS}", f"{TRIGGERS}, then 007_add_reviews.sql"),
    ),
    "missing-revision": Built(
        bad={**ONE, f"{COUPONS}.py": NONE},
        good=ONE,
        says=(f"{COUPONS}.sql alone", f"{COUPONS}.py", 'revision = "007"'),
    ),
    "missing-sql": Built(
        bad={f"{COUPONS}.py": revision("007", "006")}, good=ONE, says=(f"{COUPONS}.py alone",)
    ),
    "several-heads": Built(
        bad={**TWO, f"{REVIEWS}.py": revision("008", "006")},
        good=TWO,
        says=('"006" in both', 'down_revision = "007" in', COUPONS, REVIEWS),
    ),
    "broken-chain": Built(
        bad={**TWO, f"{REVIEWS}.py": revision("008", "005")},
        good=TWO,
        says=(REVIEWS, 'down_revision = "005"', 'down_revision = "007"'),
    ),
    "revision-code": Built(
        bad={**ONE, f"{COUPONS}.py": revision("007", "006", 'op.execute("UPDATE …")\n')},
        good=ONE,
        says=('op.execute("UPDATE …")', "upgrade, downgrade = migration(__file__)"),
    ),
    "header-name": Built(
        bad={f"{COUPONS}.sql": f"-- Migration: 006_add_coupons.sql\n{SQL}"},
        good={f"{COUPONS}.sql": f"-- Migration: {COUPONS}.sql\n{SQL}"},
        says=("-- Migration: 006_add_coupons.sql", f"-- Migration: {COUPONS}.sql"),
    ),
}


def in_frame(root: Path, example: Mapping[str, str]) -> list[Finding]:
    """Return what is found in an example on top of the frame."""
    lay_out(root, {**FRAME, **example})
    return findings(root)


@dataclass(frozen=True, kw_only=True)
class Branched:
    """What a branch makes of the frame, which its base branch has released."""

    bad: Mapping[str, str | None]
    """Texts by file name; None removes the file and its revision file."""
    good: Mapping[str, str | None]
    says: tuple[str, ...]
    base: Mapping[str, str]
    """What has come to the base branch since the branch left it; the good one is on top of it."""


NEXT = {"007_add_the_missing_trigger.sql": SQL}
RELEASED = {
    "number-behind-base": Branched(
        base=TWO,
        bad={"007_add_reviews.sql": SQL},
        good={"009_add_reviews.sql": SQL},
        says=("007_add_reviews.sql", "a 007 or an 008", "009_add_reviews.sql"),
    ),
    "released-changed": Branched(
        base={},
        bad={TRIGGERS: FRAME[TRIGGERS].replace("BEFORE UPDATE", "BEFORE INSERT")},
        good=NEXT,
        says=(TRIGGERS, *NEXT),
    ),
    "released-comments": Branched(
        base={},
        bad={TRIGGERS: FRAME[TRIGGERS].replace("a trigger for", "A trigger for")},
        good={},
        says=(TRIGGERS, "the comment stays"),
    ),
    "released-renamed": Branched(
        base={},
        bad={TRIGGERS: None, "006_add_updated_at_triggers.sql": FRAME[TRIGGERS]},
        good={},
        says=(f"git mv {TRIGGERS} 006_add_updated_at_triggers.sql", "the name stays"),
    ),
    "released-removed": Branched(
        base={},
        bad={TRIGGERS: None},
        good={
            "007_drop_triggers.sql": "-- UP\n"
            "-- validate: ignore squawk-ban-drop-function no trigger calls it any more\n"
            "DROP FUNCTION IF EXISTS touch CASCADE;\n-- DOWN\n-- SELECT 1;\n"
        },
        says=(f"git rm {TRIGGERS}", "007_drop_triggers.sql"),
    ),
}


def branch(root: Path, example: Branched, kind: str) -> None:
    """Make a repository with `main`, whose files are released, and change them in a branch.

    Args:
        root: the folder.
        example: what is done where.
        kind: good or bad.
    """
    lay_out(root, FRAME)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    git(root, "switch", "--quiet", "--create", "change")
    if example.base:
        git(root, "switch", "--quiet", "main")
        put(root, example.base)
        commit(root)
        git(root, "switch", "--quiet", "change")
    if kind == "good":
        git(root, "merge", "--quiet", "--ff-only", "main")
    put(root, example.good if kind == "good" else example.bad)
    commit(root)


def put(root: Path, files: Mapping[str, str | None]) -> None:
    """Write migrations, or remove them, with their revision files."""
    for name, text in files.items():
        sql = root / "sql/course" / name
        python = root / "course/versions" / f"{sql.stem}.py"
        if text is None:
            sql.unlink()
            python.unlink()
            continue
        sql.write_text(text)
        number = int(name.partition("_")[0])
        python.write_text(revision(f"{number:03}", f"{number - 1:03}"))


def commit(root: Path) -> None:
    git(root, "add", "sql", "course")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "change")


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)
