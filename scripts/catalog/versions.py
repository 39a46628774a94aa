"""Makes snapshots of two major versions of PostgreSQL alike, where the versions alone differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scripts.catalog.record import Key, Record, Value
from scripts.catalog.snapshot import Snapshot

_MAINTAIN, _NOT_NULL_NAMED = 170000, 180000
"""Where privileges got MAINTAIN, and NOT NULL became a constraint with a name."""
# What a later version knows and an earlier one does not, or has otherwise.
_LATER = {
    "subscription": ("streaming", "origin", "failover", "password_required", "run_as_owner"),
    "publication": ("generated_columns",),
    "collation": ("rules", "locale"),
    "database": ("locale", "locale_rules", "locale_provider"),
}
_VIEWS = ("view", "materialized view")


class Alike(NamedTuple):
    """Two snapshots that can be compared."""

    before: Snapshot
    after: Snapshot
    not_compared: tuple[Key, ...] = ()
    """Views whose definitions are worded differently, beyond what is known of the versions."""


def alike(before: Snapshot, after: Snapshot) -> Alike:
    """Leave out of two snapshots what differs because their servers' versions do.

    From 16 on a view of one relation is written without that relation's name before its columns,
    and no setting brings it back: definitions are compared by their parse trees.
    """
    if before.version // 10000 == after.version // 10000:
        return Alike(before, after)
    oldest = min(before.version, after.version)
    ours, theirs = (_common(one.records, oldest) for one in (before, after))
    not_compared = []
    for key in sorted(ours.keys() & theirs.keys()):
        one, other = ours[key], theirs[key]
        if one.kind in _VIEWS and one.get("definition") != other.get("definition"):
            if not _same_view(str(one.get("definition")), str(other.get("definition"))):
                not_compared.append(key)
            ours[key], theirs[key] = _without_definition(one), _without_definition(other)
    return Alike(before._replace(records=ours), after._replace(records=theirs), tuple(not_compared))


def _common(records: Mapping[Key, Record], oldest: int) -> dict[Key, Record]:
    """Return the records with what the older of two servers knows as well."""
    return {
        key: record._replace(
            attributes=tuple(
                (name, _privileges(value, oldest) if name == "privileges" else value)
                for name, value in record.attributes
                if name not in _LATER.get(record.kind, ())
            )
        )
        for key, record in records.items()
        if record.kind != "not-null constraint" or oldest >= _NOT_NULL_NAMED
    }


def _privileges(value: Value, oldest: int) -> Value:
    if oldest >= _MAINTAIN or not isinstance(value, tuple):
        return value
    return tuple(_without_maintain(item) for item in value)


def _without_maintain(item: str) -> str:
    """Take MAINTAIN out of `role=arwdDxtm/owner`."""
    role, equals, rest = item.rpartition("=")
    letters, slash, by = rest.partition("/")
    return f"{role}{equals}{letters.replace('m*', '').replace('m', '')}{slash}{by}"


def _without_definition(record: Record) -> Record:
    kept = tuple(pair for pair in record.attributes if pair[0] != "definition")
    return record._replace(attributes=kept)


def _same_view(one: str, other: str) -> bool:
    """Tell whether two definitions have one parse tree, but for needless qualifiers."""
    import postgast

    first, second = postgast.parse(one), postgast.parse(other)
    if _relations(first) == _relations(second) == 1:
        _simplify(first)
        _simplify(second)
    return postgast.deparse(first) == postgast.deparse(second)


def _messages(node: Any) -> Iterator[Any]:
    """Yield a node of a tree and all below it."""
    yield node
    for _, value in node.ListFields():
        for one in value if isinstance(value, Sequence) else (value,):
            if hasattr(one, "ListFields"):
                yield from _messages(one)


def _relations(tree: Any) -> int:
    """Count what stands in FROM: with one, no column can be meant of another."""
    return sum(one.DESCRIPTOR.name.startswith("Range") for one in _messages(tree))


def _simplify(tree: Any) -> None:
    """Take the relation away from before each column."""
    for one in _messages(tree):
        if one.DESCRIPTOR.name == "ColumnRef" and len(one.fields) > 1:
            del one.fields[:-1]
