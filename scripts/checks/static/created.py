"""What a file creates although an earlier one did: IF NOT EXISTS hides that, DOWN does not."""

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
    """Find what is created a second time.

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
    if not clash.hidden:
        effect = f"it fails on a database that has {before.version}"
    elif _drops(source, clash):
        effect = f"IF NOT EXISTS hides this, and rolling back {version} would drop it"
    else:
        effect = "IF NOT EXISTS hides this"
    return source.finding(
        "already-created",
        f"{version} creates {_named(clash)}: {effect}",
        line=line,
        hint="choose another name, or ALTER the existing one; to replace it, DROP or rename it "
        "first",
    )


def _named(clash: Clash) -> str:
    """Name what is created, and by which file it was created before."""
    name, before = _name(clash.thing), clash.before
    if clash.thing.column:
        return f"column {clash.thing.column} of {name}, which {before.version} already created"
    if clash.kind == before.kind:
        return f"{clash.kind} {name}, which {before.version} already created"
    return f"{clash.kind} {name}, but {before.version} already created a {before.kind} {name}"


def _name(thing: Thing) -> str:
    return joined([thing.schema, thing.name])


def _drops(source: Source, clash: Clash) -> bool:
    """Tell whether DOWN would drop it under the name that UP uses."""
    thing = clash.thing
    wanted = (thing.column, _name(thing)) if thing.column else (_name(thing), "")
    return any(
        effect.verb is Verb.DROP and (effect.name, effect.of) == wanted
        for parsed in source.down
        for effect in effects.of(parsed)
    )
