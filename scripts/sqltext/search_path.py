"""The search_path that the statements of a section set."""

from __future__ import annotations

from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement


def after(statement: Statement, before: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the search_path after a SET, RESET or DISCARD, as far as its text tells.

    Args:
        statement: any statement; `SET LOCAL` counts, because a section is one transaction.
        before: what it was: None where the section has not set it.

    Returns:
        The schemas as they are written, folded; None where it is back at what the session had.
    """
    if statement.command not in ("SET", "RESET", "DISCARD"):
        return before
    reader = Reader(statement.text, statement.body)
    if reader.one_of("reset", "discard"):
        return None if reader.one_of("all", "search_path") else before
    return _set(reader, before)


def _set(reader: Reader, before: tuple[str, ...] | None) -> tuple[str, ...] | None:
    reader.word("set")
    reader.one_of("local", "session")
    if reader.word("schema"):
        schema = reader.string()
        return before if schema is None else (schema,)
    named = (reader.identifier() or "").lower() == "search_path"
    if not named or not (reader.word("to") or reader.mark("=")):
        return before
    if reader.word("default"):
        return None
    names: list[str] = []
    while (name := _listed(reader)) is not None:
        names.append(name)
        if not reader.mark(","):
            break
    return tuple(names)


def _listed(reader: Reader) -> str | None:
    """Go past a value of a setting that is a list of names: a name or a string."""
    string = reader.string()
    return reader.identifier() if string is None else string
