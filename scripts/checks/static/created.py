"""What a file makes although an earlier one made it: IF NOT EXISTS hides that, DOWN does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from scripts.checks.finding import Finding
from scripts.checks.tree import effects
from scripts.checks.tree.catalog import Thing
from scripts.checks.tree.effect import Verb, joined
from scripts.checks.tree.replay import Replay
from scripts.checks.tree.scene import Clash
from scripts.checks.tree.source import Source


def check(history: Iterable[Source], chosen: Collection[str]) -> Iterator[Finding]:
    """Find what is made a second time.

    Args:
        history: all files of an environment, in order.
        chosen: the paths of those to find something in.
    """
    replay = Replay()
    for source in history:
        if source.file is None:
            replay.forget()
        for parsed, clash in replay.run(source.entry.version, source.up):
            if source.path in chosen:
                yield _finding(source, parsed.statement.line, clash)


def _finding(source: Source, line: int, clash: Clash) -> Finding:
    version, before = source.entry.version, clash.before
    what = _named(clash)
    if not clash.hidden:
        effect = f"it fails where {before.version} is applied"
    elif _drops(source, clash):
        effect = f"IF NOT EXISTS hides it, and rolling back {version} would drop it"
    else:
        effect = "IF NOT EXISTS hides it"
    return source.finding(
        "already-created",
        f"{version} creates {what} again, which {before.version} made: {effect}",
        line=line,
        way_out="take another name, or ALTER what is there; to replace it, DROP or rename it first",
    )


def _named(clash: Clash) -> str:
    name = _name(clash.thing)
    if clash.thing.column:
        return f"the column {clash.thing.column} of {name}"
    as_before = "" if clash.kind == clash.before.kind else f" (a {clash.before.kind} then)"
    return f"the {clash.kind} {name}{as_before}"


def _name(thing: Thing) -> str:
    return joined([thing.schema, thing.name])


def _drops(source: Source, clash: Clash) -> bool:
    """Tell whether DOWN would drop it, under the name by which UP speaks of it."""
    thing = clash.thing
    wanted = (thing.column, _name(thing)) if thing.column else (_name(thing), "")
    return any(
        effect.verb is Verb.DROP and (effect.name, effect.of) == wanted
        for parsed in source.down
        for effect in effects.of(parsed)
    )
