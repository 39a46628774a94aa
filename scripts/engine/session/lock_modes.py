"""The modes of a table's lock, and which of them keep which others waiting."""

from __future__ import annotations

import re
from collections.abc import Iterable

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""As pg_locks has them, the weakest first."""
# https://www.postgresql.org/docs/current/explicit-locking.html, "Conflicting Lock Modes": for each
# mode, in that order, an X where it conflicts.
_CONFLICTS = (
    ".......X",
    "......XX",
    "....XXXX",
    "...XXXXX",
    "..XX.XXX",
    "..XXXXXX",
    ".XXXXXXX",
    "XXXXXXXX",
)


def conflict(mode: str, other: str) -> bool:
    """Tell whether two sessions cannot have these locks on one table at once."""
    known = mode in MODES and other in MODES
    return known and _CONFLICTS[MODES.index(mode)][MODES.index(other)] == "X"


def words(mode: str) -> str:
    """Write a lock mode as LOCK TABLE has it: AccessExclusiveLock is ACCESS EXCLUSIVE."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def strongest(modes: Iterable[str]) -> str:
    """Return the strongest of some modes, of which there is at least one."""
    return max(modes, key=lambda mode: MODES.index(mode) if mode in MODES else -1)
