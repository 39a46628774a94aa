"""What statements leave in a session, and what takes it away again.

Behind a pooler in transaction mode the session is somebody else's a moment later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from scripts.sqltext.statements import Statement

# SET LOCAL, SET TRANSACTION and SET CONSTRAINTS end with the transaction by themselves.
_LEAVES_NOTHING = ("LOCAL", "TRANSACTION", "CONSTRAINTS")
_TEMPORARY = re.compile(r"CREATE (OR REPLACE )?(GLOBAL |LOCAL )?(TEMP|TEMPORARY) ")
# A word like these in any part of a statement is reason enough: taking away too much harms nobody.
_CALLS = {
    re.compile(r"\bset_config\"?\s*\(|\bpg_settings\b", re.IGNORECASE): "RESET ALL;",
    re.compile(r"\bpg_(try_)?advisory_lock", re.IGNORECASE): "SELECT pg_advisory_unlock_all();",
    re.compile(r"\bINTO\s+(TEMP|TEMPORARY)\b|\bpg_temp\b", re.IGNORECASE): "DISCARD TEMP;",
}
# A regular expression takes a second for 50 MB, a search for a word a tenth of that.
_WORDS = ("set_config", "pg_settings", "advisory_lock")
_SLICE, _LONGEST_WORD = 1 << 20, 16
"""Characters: slices keep memory low."""
_OUTLIVE_A_ROLLBACK = ("SELECT pg_advisory_unlock_all();", "DEALLOCATE ALL;")
# What these run can't be read off their text.
_OPAQUE = ("DO", "CALL", "EXECUTE", "SELECT", "WITH")
_ALL = (
    "RESET ALL;",
    "DISCARD TEMP;",
    "UNLISTEN *;",
    "DEALLOCATE ALL;",
    "SELECT pg_advisory_unlock_all();",
    "RESET ROLE;",
)
_COMMANDS = {
    "LISTEN": "UNLISTEN *;",
    "PREPARE": "DEALLOCATE ALL;",
    "DECLARE": "CLOSE ALL;",
}


def resets(statements: Iterable[Statement], *, owns_session: bool = False) -> list[str]:
    """Return the statements that leave a session as it was, in an order that works; none mostly.

    They may run in the transaction of the statements, at its end: what a rollback takes back needs
    no resetting.

    Args:
        statements: what has been run.
        owns_session: take away all that may be there after a statement that could do anything,
            such as DO; the session must be nobody else's.
    """
    statements = list(statements)
    found = {reset for statement in statements for reset in _resets(statement) if reset}
    if owns_session and any(statement.command in _OPAQUE for statement in statements):
        found.update(_ALL)
    return sorted(found, key=_last)


def survivors(resets: Iterable[str]) -> list[str]:
    """Return those of the resets that a rollback does not do: these traces outlive it."""
    return [reset for reset in resets if reset in _OUTLIVE_A_ROLLBACK]


def _last(reset: str) -> tuple[bool, str]:
    """Give up a role after all that it may have been needed for."""
    return reset.startswith("RESET SESSION") or reset == "RESET ROLE;", reset


def _resets(statement: Statement) -> Sequence[str]:
    words = statement.words
    found = _called(statement.text)
    if _TEMPORARY.match(" ".join(words) + " "):
        found.append("DISCARD TEMP;")
    if words[:3] == ("SET", "LOCAL", "ROLE") or words[:3] == ("SET", "LOCAL", "SESSION"):
        # The transaction's end would do it, but the ledger is written before that.
        found.append("RESET ROLE;" if words[2] == "ROLE" else "RESET SESSION AUTHORIZATION;")
    if words[:1] == ("SET",) and words[1:2] not in {(word,) for word in _LEAVES_NOTHING}:
        found.append(_setting(words[2:] if words[1:2] == ("SESSION",) else words[1:]))
    found.append(_COMMANDS.get(statement.command, ""))
    return found


def _called(text: str) -> list[str]:
    """Return the resets of what a text calls; most have no word that makes a closer look worth."""
    for start in range(0, len(text), _SLICE):
        part = text[start : start + _SLICE + _LONGEST_WORD].lower()
        # Most data has no `_`, and one character is sought much faster than three words.
        if "temp" in part or ("_" in part and any(word in part for word in _WORDS)):
            return [reset for pattern, reset in _CALLS.items() if pattern.search(text)]
    return []


def _setting(words: tuple[str, ...]) -> str:
    match words[:1]:
        case ("ROLE",):
            return "RESET ROLE;"
        case ("AUTHORIZATION",):
            return "RESET SESSION AUTHORIZATION;"
        case _:
            return "RESET ALL;"
