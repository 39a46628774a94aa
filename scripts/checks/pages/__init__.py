"""The page of each check: how bad a finding is, what it means, a bad and a good example.

`validate.py --explain CODE` and docs/checks.md print these same pages.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from scripts.errors import UsageError

_FOLDER = Path(__file__).parent
GROUPS = ("names", "format", "sql", "released", "site", "shadow", "live")
"""The files of this folder, in the order of docs/checks.md."""


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"
    """Fails the check."""
    WARNING = "warning"
    """Fails the check with --strict."""
    NOTE = "note"
    """Is only said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What there is to say about a code."""

    code: str
    group: str
    severity: Severity
    title: str
    """One sentence."""
    why: str
    bad: str
    good: str
    source: str = ""
    """Where a surprising fact can be looked up."""


@functools.cache
def every() -> dict[str, Page]:
    """Return all pages by code, group after group."""
    return {page.code: page for group in GROUPS for page in _read(group)}


@functools.cache
def group(name: str) -> str:
    """Return what stands ahead of a group's pages."""
    return str(tomllib.loads((_FOLDER / f"{name}.toml").read_text())["about"]).strip()


def get(code: str) -> Page:
    """Return the page of a code.

    Raises:
        UsageError: when there is none; it names those that are like it.
    """
    page = every().get(code)
    if page is None:
        close = difflib.get_close_matches(code, every(), 3)
        raise UsageError(
            f"there is no check '{code}'",
            way_out=f"did you mean {' or '.join(close)}?" if close else "docs/checks.md lists them",
        )
    return page


def markdown(page: Page) -> str:
    """Lay a page out."""
    parts = [f"### {page.code}", f"*{page.severity.value}* · {page.title}", page.why]
    for name, example in (("Bad", page.bad), ("Good", page.good)):
        if example:
            parts += [f"{name}:", f"```sql\n{example}\n```"]
    if page.source:
        parts.append(f"See {page.source}")
    return "\n\n".join(parts)


def document() -> str:
    """Return docs/checks.md."""
    parts = [
        "# Checks",
        "What `python scripts/validate.py` finds, by the level that finds it. Made from the pages "
        "that `validate.py --explain CODE` prints; `make docs` writes it anew.",
    ]
    for name in GROUPS:
        parts += [group(name), *(markdown(page) for page in every().values() if page.group == name)]
    return "\n\n".join(parts) + "\n"


def _read(name: str) -> list[Page]:
    table = tomllib.loads((_FOLDER / f"{name}.toml").read_text())
    return [
        Page(
            code=code,
            group=name,
            severity=Severity(page["severity"]),
            title=page["title"],
            why=" ".join(page["why"].split()),
            bad=page.get("bad", "").strip("\n"),
            good=page.get("good", "").strip("\n"),
            source=page.get("source", ""),
        )
        for code, page in table.items()
        if isinstance(page, dict)
    ]
