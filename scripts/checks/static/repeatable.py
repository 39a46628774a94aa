"""Statements that are not idempotent: run twice, they fail or do harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scripts.checks.finding import Finding
from scripts.checks.tree import effects
from scripts.checks.tree.effect import Effect, Verb
from scripts.checks.tree.source import Parsed, Source

_PARTS = ("column", "attribute", "constraint")
"""What ALTER TABLE or ALTER TYPE adds and drops."""
_FAILS_IF = {Verb.CREATE: "exists", Verb.DROP: "does not exist"}


def check(source: Source) -> Iterator[Finding]:
    """Find statements that are not idempotent, in either section."""
    for direction, section in source.sections:
        for parsed, effect in _unrepeatable(section):
            yield source.finding(
                "not-repeatable",
                f"{direction.value.upper()} is not idempotent: {_reason(effect)}",
                line=parsed.statement.line,
                hint=f"{'write' if effect.how.startswith('a ') else 'add'} {effect.how}",
            )


def _reason(effect: Effect) -> str:
    """Say what a second run of a statement does."""
    sql = f"`{effect.sql or _sql(effect)}`"
    if effect.kind == "row":
        return f"{sql} inserts the same rows again, or fails on a unique key"
    if effect.verb is Verb.OTHER or effect.kind in ("identity", "cast"):
        return f"{sql} fails when run again"
    if not effect.name and effect.verb is Verb.CREATE:
        return f"{sql} without a name fails when run again, or adds a second {effect.kind}"
    name = f"{effect.of}.{effect.name}" if effect.kind == "column" else effect.name
    return f"{sql} fails if {name} {_FAILS_IF[effect.verb]}"


def _sql(effect: Effect) -> str:
    """Return the words with which SQL creates or drops something."""
    words = [effect.verb.value, effect.kind]
    if effect.kind in _PARTS:
        words[0] = "ADD" if effect.verb is Verb.CREATE else "DROP"
    named = " ".join(words).upper() + (f" {effect.name}" if effect.name else "")
    is_on = effect.of and effect.kind not in _PARTS
    return f"{named} ON {effect.of}" if is_on else named


def _unrepeatable(section: Iterable[Parsed]) -> Iterator[tuple[Parsed, Effect]]:
    """Yield what is not idempotent; an earlier DROP … IF EXISTS makes a plain CREATE so."""
    dropped: set[tuple[str, str, str]] = set()
    fresh: set[str] = set()
    for parsed in section:
        for effect in effects.of(parsed):
            key = (effect.kind, effect.name, effect.of)
            if effect.verb is Verb.DROP and effect.repeatable:
                dropped.add(key)
                fresh.discard(effect.name)
            elif effect.verb is Verb.CREATE and not effect.repeatable and key in dropped:
                fresh.add(effect.name)
            elif not effect.repeatable and effect.of not in fresh:
                yield parsed, effect
