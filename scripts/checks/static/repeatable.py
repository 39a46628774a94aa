"""Statements that fail, or do harm, when a section is run twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scripts.checks.finding import Finding
from scripts.checks.tree import effects
from scripts.checks.tree.effect import Effect, Verb
from scripts.checks.tree.source import Parsed, Source

_SAME = {"table": "foreign table"}


def check(source: Source) -> Iterator[Finding]:
    """Find statements that can't be run again, in either section."""
    for direction, section in source.sections:
        for parsed, effect in _unrepeatable(section):
            yield source.finding(
                "not-repeatable",
                f"{direction.value.upper()} can't be run twice: {_what(effect)}",
                line=parsed.statement.line,
                way_out=f"write {effect.how}",
            )


def _what(effect: Effect) -> str:
    verb = {Verb.CREATE: "it makes", Verb.DROP: "it drops", Verb.OTHER: "it changes"}[effect.verb]
    if effect.kind == "row":
        return f"it inserts the same rows into {effect.of} again"
    named = " ".join(part for part in (effect.kind, effect.name) if part)
    return f"{verb} {named}" + (f" of {effect.of}" if effect.of else "")


def _unrepeatable(section: Iterable[Parsed]) -> Iterator[tuple[Parsed, Effect]]:
    """A DROP … IF EXISTS ahead in the same section makes a plain CREATE repeatable."""
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
