"""What differs between two snapshots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scripts.catalog.record import Key, Record, Value
from scripts.catalog.snapshot import Snapshot

_POSITION = "position"
_NAME = "constraint_name"
_NOT_NULL = "not-null constraint"
ORDER = "order of columns"
"""The kind of a difference that is nothing but an order."""


class Difference(NamedTuple):
    """One object that is not alike in both."""

    kind: str
    name: str
    parent: str
    before: Record | None
    """None where the object is only in the second."""
    after: Record | None
    """None where it is only in the first."""
    attributes: tuple[str, ...] = ()
    """What differs, where it is in both."""
    parts: tuple[Difference, ...] = ()
    """What goes with an object that is in one alone: the columns and constraints of a table."""

    @property
    def is_note(self) -> bool:
        """Tell whether it is only worth a note: the order of columns, a name that nobody gave."""
        return self.kind == ORDER or self.attributes == (_NAME,)


def compare(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Compare two snapshots of servers of one version.

    Returns:
        The differences, by kind and name; what belongs to a table that is in one of them alone is
        a part of that table's difference.
    """
    keys = _changed_keys(before.records, after.records)
    found = [
        difference
        for key in keys
        if (difference := _of(before.records.get(key), after.records.get(key)))
    ]
    return _folded(_without_implied(found)) + _orders(before.records, after.records, keys)


def _changed_keys(before: Mapping[Key, Record], after: Mapping[Key, Record]) -> list[Key]:
    """Return the keys of what is not the same in both; of two snapshots, most is one object."""
    differing = [
        key
        for key, record in after.items()
        if (other := before.get(key)) is not record and other != record
    ]
    return sorted([*differing, *(before.keys() - after.keys())])


def _of(before: Record | None, after: Record | None) -> Difference | None:
    one = before or after
    if one is None or before == after:
        return None
    if before is None or after is None:
        return Difference(one.kind, one.name, one.parent, before, after)
    changed = _changed(dict(before.attributes), dict(after.attributes))
    return Difference(*one[:3], before, after, changed) if changed else None


def _changed(before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[str, ...]:
    names = dict.fromkeys((*before, *after))
    return tuple(
        name for name in names if name != _POSITION and before.get(name) != after.get(name)
    )


def _without_implied(found: Iterable[Difference]) -> list[Difference]:
    """Leave out what comes with another: NOT NULL with its column, an index with its constraint."""
    found = list(found)
    columns = {
        one.name
        for one in found
        if one.kind in ("column", "domain") and (not one.attributes or "not_null" in one.attributes)
    }
    constraints = {one.name for one in found if one.kind == "constraint" and not one.attributes}
    return [
        one
        for one in found
        if not (one.kind == _NOT_NULL and one.name in columns)
        and not (one.kind == "index" and not one.attributes and _constraint(one) in constraints)
    ]


def _constraint(index: Difference) -> str:
    """Return the full name of the constraint that an index is made for; "" where it is of none."""
    record = index.before or index.after
    name = record.get("of_constraint") if record else None
    return f"{index.parent}.{name}" if name else ""


def _folded(found: Iterable[Difference]) -> list[Difference]:
    """Put what belongs to an object that is in one snapshot alone into its difference."""
    found = list(found)
    whole = {one.name for one in found if not one.attributes and not one.parent}
    parts: dict[str, list[Difference]] = defaultdict(list)
    kept: list[Difference] = []
    for one in found:
        belongs = one.parent in whole or (one.kind == "type" and _is_composite(one, found))
        (parts[one.parent or one.name] if belongs else kept).append(one)
    return [one._replace(parts=tuple(parts.get(one.name, ()))) for one in kept]


def _is_composite(one: Difference, found: Iterable[Difference]) -> bool:
    """Tell whether a type is that of a composite type, which stands among the relations."""
    return any(other.kind == "composite type" and other.name == one.name for other in found)


def _orders(
    before: Mapping[Key, Record], after: Mapping[Key, Record], changed: Iterable[Key]
) -> list[Difference]:
    """Find relations whose columns stand in another order, those left out that only one has."""
    parents = {
        record.parent
        for key in changed
        if key[0] == "column" and (record := before.get(key) or after[key])
    }
    columns: dict[str, list[str]] = defaultdict(list)
    for key in after if parents else ():
        if key[0] == "column" and key in before and before[key].parent in parents:
            columns[before[key].parent].append(key[1])
    found = []
    for parent, names in sorted(columns.items()):
        was, now = _ordered(names, before), _ordered(names, after)
        if was != now:
            found.append(Difference(ORDER, parent, "", was, now, ("columns",)))
    return found


def _ordered(names: Iterable[str], records: Mapping[Key, Record]) -> Record:
    def position(name: str) -> int:
        return int(str(records["column", name].get(_POSITION) or 0))

    listed = tuple(sorted(names, key=position))
    return Record(ORDER, "", "", (("columns", listed),))
