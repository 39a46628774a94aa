"""What a statement does, according to its parse tree."""

from __future__ import annotations

from scripts.checks.tree import changes, creations
from scripts.checks.tree.effect import Effect
from scripts.checks.tree.source import Parsed

_READERS = {**creations.READERS, **changes.READERS}


def of(parsed: Parsed) -> list[Effect]:
    """Return what a statement does; nothing for one that changes nothing or is not SQL."""
    reader = _READERS.get(parsed.kind)
    if reader is None or parsed.tree is None:
        return []
    return list(reader(getattr(parsed.tree, parsed.kind)))


def is_opaque(parsed: Parsed) -> bool:
    """Tell whether a statement may do anything: DO, CALL, and functions called by SELECT."""
    return parsed.kind in ("do_stmt", "call_stmt", "select_stmt", "execute_stmt")
