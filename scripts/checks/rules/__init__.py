"""The page of each check: how bad a finding is, what it means, a bad and a good example.

`validate.py --explain CODE` and docs/checks.md print these same pages. A page or a group with
`planned = true` describes a check that does not exist yet: it can be explained, and is in no other
list.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

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
    """Never fails the check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a code means."""

    code: str
    group: str
    severity: Severity
    title: str
    """One sentence."""
    why: str
    bad: str
    good: str
    source: str = ""
    """Where a surprising fact is documented."""
    planned: bool = False
    """Whether the check does not exist yet."""


@functools.cache
def every() -> dict[str, Page]:
    """Return the pages of all existing checks, by code, group after group."""
    return {page.code: page for group in GROUPS for page in _read(group) if not page.planned}


@functools.cache
def planned() -> dict[str, Page]:
    """Return the pages of planned checks, by code."""
    return {page.code: page for group in GROUPS for page in _read(group) if page.planned}


@functools.cache
def group(name: str) -> str:
    """Return the introduction of a group's pages."""
    return str(_table(name)["about"]).strip()


def require_made(beginning: str) -> None:
    """Make sure that this is the code of an existing check, or the beginning of one.

    Raises:
        UsageError: when it is neither, or only that of a planned check.
    """
    if any(code.startswith(beginning) for code in every()):
        return
    if any(code.startswith(beginning) for code in planned()):
        raise UsageError(
            f"check '{beginning}' is planned: validate.py does not have it yet",
            hint="leave it out; docs/checks.md lists the existing checks",
        )
    get(beginning)


def get(code: str) -> Page:
    """Return the page of a code, whether its check exists or is planned.

    Raises:
        UsageError: when there is none; it names similar ones.
    """
    page = every().get(code) or planned().get(code)
    if page is None:
        close = difflib.get_close_matches(code, every(), 3)
        raise UsageError(
            f"there is no check '{code}'",
            hint=f"did you mean {' or '.join(close)}?"
            if close
            else "docs/checks.md lists all checks",
        )
    return page


def markdown(page: Page) -> str:
    """Return a page as Markdown."""
    parts = [f"### {page.code}", f"*{page.severity.value}* · {page.title}", page.why]
    if page.planned:
        parts.insert(1, "**Planned: validate.py does not have this check yet.**")
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
        "What `python scripts/validate.py` finds, by the level that finds it. Generated from the "
        "pages that `validate.py --explain CODE` prints: run `make docs` after changing one.",
    ]
    for name in GROUPS:
        made = [markdown(page) for page in every().values() if page.group == name]
        parts += [group(name), *made] if made else []
    return "\n\n".join(parts) + "\n"


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text())


def _read(name: str) -> list[Page]:
    table = _table(name)
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
            planned=page.get("planned", table.get("planned", False)),
        )
        for code, page in table.items()
        if isinstance(page, dict)
    ]
