"""DOWN compared with UP, as far as the text tells: it must drop only what UP created."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.checks.finding import Finding
from scripts.checks.tree import effects
from scripts.checks.tree.effect import Effect, Verb
from scripts.checks.tree.source import Parsed, Source

# What depends on something else, or is named by PostgreSQL, cannot be recognised by its name.
_NAMED = (
    "table",
    "view",
    "materialized view",
    "foreign table",
    "function",
    "procedure",
    "type",
    "domain",
    "schema",
    "extension",
    "trigger",
    "policy",
    "column",
    "index",
)


def check(source: Source) -> Iterator[Finding]:
    """Find a DOWN that is empty, or that drops what its UP did not create."""
    file = source.file
    if file is None:
        return
    if not file.down.statements and file.header.irreversible is None:
        yield source.finding(
            "empty-down",
            "DOWN is empty: a rollback would report success and change nothing",
            line=file.down.line,
            hint="write the SQL that undoes UP, or '-- Irreversible: reason' in the header",
        )
    if any(effects.is_opaque(parsed) or parsed.error for parsed in source.up):
        return
    made = [effect for parsed in source.up for effect in effects.of(parsed)]
    remade = {
        (effect.kind, effect.name)
        for parsed in source.down
        for effect in effects.of(parsed)
        if effect.verb is Verb.CREATE
    }
    for parsed in source.down:
        for effect in effects.of(parsed):
            if (effect.kind, effect.name) not in remade:
                yield from _foreign(source, parsed, effect, made)


def _foreign(source: Source, parsed: Parsed, drop: Effect, made: list[Effect]) -> Iterator[Finding]:
    if drop.verb is not Verb.DROP or drop.kind not in _NAMED or _is_made(drop, made):
        return
    whose = f" of {drop.of}" if drop.of else ""
    yield source.finding(
        "foreign-drop",
        f"DOWN drops {drop.kind} {drop.name}{whose}, which its UP did not create",
        line=parsed.statement.line,
        hint="drop only what this UP creates: whatever created this drops it in its own DOWN",
    )


def _is_made(drop: Effect, made: list[Effect]) -> bool:
    for effect in made:
        if effect.verb is Verb.CREATE and effect.kind == drop.kind:
            if effect.kind == "index" and not effect.name:
                return True
            if effect.name == drop.name and drop.of in ("", effect.of):
                return True
        # A rename creates the new name; what belongs to a table that UP created is dropped with it.
        if effect.verb is Verb.OTHER and effect.name == drop.name:
            return True
        if drop.of and effect.kind == "table" and effect.name == drop.of:
            return effect.verb is Verb.CREATE
    return False
