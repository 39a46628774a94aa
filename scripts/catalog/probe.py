"""Takes one snapshot after the other of a database, and reads again only what has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import marks, queries, snapshot
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
_ATOMIC = "BEGIN ATOMIC"
"""Is in the definition of a routine that is written out likewise."""
_IN_TEXTS = ("enum", "operator class", "type")
"""Of these, more than the name is in the texts of others: labels, defaults."""
_NAMES = """
SELECT oid::bigint, oid::regclass::text FROM pg_class
WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'c', 'S') AND oid = ANY (%s)
"""


class _Known(NamedTuple):
    """What was read last."""

    marks: Mapping[int, int]
    names: Mapping[int, str]
    """The relations' full names, by oid."""
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
        return _Known(found, self._names(found), groups, _readers(groups), read)

    def _since(self, known: _Known, found: Mapping[int, int]) -> _Known | None:
        """Read what has changed; return None where that is not enough."""
        before = known.marks
        changed = {of for of in before.keys() | found.keys() if before.get(of) != found.get(of)}
        if not changed:
            return known
        if marks.ALL in changed:
            return None
        with_rest = marks.REST in changed
        owners = changed - {marks.REST}
        if not owners.isdisjoint(known.names):
            owners |= {of for of, name in known.names.items() if name in known.readers}
            with_rest = with_rest or _in_code(known)
        gone = {of: known.names[of] for of in owners if of in known.names}
        names = {of: name for of, name in known.names.items() if of not in gone}
        names.update(self._names(owners))
        groups = self._read(owners, with_rest=with_rest)
        stays = {of: name for of, name in gone.items() if of in names}
        if any(names[of] != name for of, name in stays.items()):
            return None
        replaced = {*gone.values(), *([_REST] if with_rest else [])}
        if any(
            _is_in_texts(known.groups.get(name, {}), groups.get(name, {}))
            for name in replaced & {*stays.values(), _REST}
        ):
            return None
        return _merged(known, found, names, replaced, groups)

    def _read(self, owners: Iterable[int], *, with_rest: bool) -> dict[str, Group]:
        relations = self._prepared("of_relations", queries.of_relations(), "(oid[])")
        with self._connection.cursor() as cursor:
            text = cursor.mogrify(f"{relations} (%s::oid[])", (sorted(owners),)).decode()
        found = list(snapshot.rows(self._connection, text))
        if with_rest:
            rest = self._prepared("of_the_rest", queries.of_the_rest())
            found += snapshot.rows(self._connection, rest)
        return _grouped(record for record in found if self._wanted(record))

    def _names(self, owners: Iterable[int]) -> dict[int, str]:
        with self._connection.cursor() as cursor:
            cursor.execute(_NAMES, (list(owners),))
            return dict(cursor.fetchall())

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


def _in_code(known: _Known) -> bool:
    """Tell whether the text of a routine depends on how relations are."""
    rest = known.groups.get(_REST, {})
    return any(
        _ATOMIC in str(record.get("definition"))
        for (kind, _), record in rest.items()
        if kind in ("function", "procedure")
    )


def _is_in_texts(before: Group, after: Group) -> bool:
    """Tell whether what has changed of a group may be in the texts of others."""
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    if gone and come:
        return True  # something may have another name
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    return any(kind in _IN_TEXTS for kind, _ in changed) or any(
        kind == "operator class" for kind, _ in gone | come
    )


def _merged(
    known: _Known,
    found: Mapping[int, int],
    names: Mapping[int, str],
    replaced: set[str],
    groups: Mapping[str, Group],
) -> _Known:
    records = dict(known.snapshot.records)
    for name in replaced:
        for key in known.groups.get(name, ()):
            del records[key]
    for group in groups.values():
        records.update(group)
    kept = {name: group for name, group in known.groups.items() if name not in replaced}
    readers = (known.readers - replaced) | _readers(groups)
    now = known.snapshot._replace(records=records)
    return _Known(found, names, {**kept, **groups}, readers, now)
