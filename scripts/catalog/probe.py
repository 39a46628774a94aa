"""Takes one snapshot after the other of a database, and reads again only what has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import marks, naming, queries, snapshot
from scripts.catalog.naming import Relation
from scripts.catalog.record import Key, Record
from scripts.catalog.snapshot import Snapshot, Wanted

Group = Mapping[Key, Record]
"""A relation with its parts, or all that is neither."""

_REST = ""
"""Stands for a relation's name with what is neither a relation nor a part of one."""
_RELATIONS = ("table", "foreign table", "view", "materialized view", "composite type", "sequence")
_PARTS = ("column", "index", "policy", "rule", "trigger")
_CONSTRAINTS = ("constraint", "not-null constraint")
_READERS = ("view", "materialized view", "policy", "rule")
"""What is written out from how the relations that it reads are now."""
_IN_TEXTS = ("operator class", "type")
"""Of these, more than the name decides on the texts of others: what is the default of a type."""


class _Known(NamedTuple):
    """What was read last."""

    marks: Mapping[int, int]
    relations: Mapping[int, Relation]
    """By oid."""
    others: Mapping[tuple[int, int], str]
    """What all else is called: see `naming.others`."""
    groups: Mapping[str, Group]
    """By the relation's full name, or `_REST`."""
    readers: frozenset[str]
    """The names of relations with a text that depends on how other relations are."""
    snapshot: Snapshot


class Probe:
    """Reads one database in one session, which is nobody else's."""

    def __init__(self, connection: Connection, wanted: Wanted) -> None:
        """Read nothing yet.

        Args:
            connection: whose session keeps prepared queries.
            wanted: which objects count.
        """
        self._connection = connection
        self._wanted = wanted
        self._known: _Known | None = None

    def take(self) -> Snapshot:
        """Take a snapshot, in the open transaction; it is what `snapshot.take` gives.

        What is marked as it was last time, be that in a transaction that is gone, is not read
        again. All is, where a name may have changed: others' definitions have it in them.

        Raises:
            psycopg2.Error: when the catalog cannot be read.
        """
        with snapshot.reading(self._connection):
            found = marks.take(self._connection, self._prepared("marks", marks.query()))
            self._known = (self._known and self._since(self._known, found)) or self._all(found)
        return self._known.snapshot

    def _all(self, found: Mapping[int, int]) -> _Known:
        texts = snapshot.prepared(self._connection, queries.statements())
        read = snapshot.read(self._connection, self._wanted, texts)
        groups = _grouped(read.records.values())
        names = naming.relations(self._connection, found)
        others = naming.others(self._connection)
        return _Known(found, names, others, groups, _readers(groups), read)

    def _since(self, known: _Known, found: Mapping[int, int]) -> _Known | None:
        """Read what has changed; return None where that is not enough."""
        before = known.marks
        changed = {of for of in before.keys() | found.keys() if before.get(of) != found.get(of)}
        if not changed:
            return known
        with_rest, owners = marks.REST in changed, changed - {marks.REST}
        on_types = routines = False
        if not owners.isdisjoint(known.relations):
            owners |= {of for of, one in known.relations.items() if one.name in known.readers}
            on_types, routines = naming.dependents(self._connection, owners)
        others = naming.others(self._connection) if with_rest else known.others
        gone = {of: known.relations[of] for of in owners if of in known.relations}
        come = naming.relations(self._connection, owners)
        renamed = any(one.is_renamed(come.get(of, one)) for of, one in gone.items())
        if marks.ALL in changed or on_types or renamed or naming.are_renamed(known.others, others):
            return None
        with_rest = with_rest or routines
        groups = self._read(owners, with_rest=with_rest)
        if with_rest and _is_in_texts(known.groups.get(_REST, {}), groups.get(_REST, {})):
            return None
        kept = {of: one for of, one in known.relations.items() if of not in gone}
        replaced = {*(one.name for one in gone.values()), *([_REST] if with_rest else [])}
        return _merged(known, replaced, groups)._replace(
            marks=found, relations={**kept, **come}, others=others
        )

    def _read(self, owners: Iterable[int], *, with_rest: bool) -> dict[str, Group]:
        relations = self._prepared("of_relations", queries.of_relations(), "(oid[])")
        with self._connection.cursor() as cursor:
            text = cursor.mogrify(f"{relations} (%s::oid[])", (sorted(owners),)).decode()
        found = list(snapshot.rows(self._connection, text))
        if with_rest:
            rest = self._prepared("of_the_rest", queries.of_the_rest())
            found += snapshot.rows(self._connection, rest)
        return _grouped(record for record in found if self._wanted(record))

    def _prepared(self, name: str, query: str, parameters: str = "") -> str:
        return snapshot.prepared(self._connection, {name: query}, parameters)[name]


def _group(record: Record) -> str:
    """Return the full name of the relation that a record is of; `_REST` if it is of none."""
    if record.kind in _RELATIONS:
        return record.name
    is_part = record.kind in _PARTS or (record.kind in _CONSTRAINTS and record.get("on") == "table")
    return record.parent if is_part else _REST


def _grouped(records: Iterable[Record]) -> dict[str, Group]:
    found: dict[str, dict[Key, Record]] = defaultdict(dict)
    for record in records:
        found[_group(record)][record.key] = record
    return dict(found)


def _readers(groups: Mapping[str, Group]) -> frozenset[str]:
    return frozenset(
        name
        for name, group in groups.items()
        if name != _REST and any(kind in _READERS for kind, _ in group)
    )


def _is_in_texts(before: Group, after: Group) -> bool:
    """Tell whether something has changed that decides on the texts of others."""
    return any(
        kind in _IN_TEXTS and before.get((kind, name)) != after.get((kind, name))
        for kind, name in before.keys() | after.keys()
    )


def _merged(known: _Known, replaced: set[str], groups: Mapping[str, Group]) -> _Known:
    """Return what is known with some groups instead of those that are replaced."""
    records = dict(known.snapshot.records)
    for name in replaced:
        for key in known.groups.get(name, ()):
            del records[key]
    for group in groups.values():
        records.update(group)
    return known._replace(
        groups={**{n: one for n, one in known.groups.items() if n not in replaced}, **groups},
        readers=(known.readers - replaced) | _readers(groups),
        snapshot=known.snapshot._replace(records=records),
    )
