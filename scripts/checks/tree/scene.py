"""One file applied to the catalog: which objects its names mean, and what they clash with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pg

from scripts.checks.tree.catalog import Catalog, Made, Space, Thing
from scripts.checks.tree.source import Parsed
from scripts.sqltext import search_path

DEFAULT = ("public",)
_TAKES = re.compile(r"\b(drop|rename|set\s+schema)", re.IGNORECASE)
_DYNAMIC = re.compile(r"\bexecute\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clash:
    """What a statement creates although an earlier file created it."""

    thing: Thing
    kind: str
    before: Made
    hidden: bool
    """Whether the statement has IF NOT EXISTS, which hides the clash."""


class File:
    """What is known of a file while its statements are read."""

    def __init__(self, catalog: Catalog, version: str, path: tuple[str, ...]) -> None:
        """Start a file.

        Args:
            catalog: what the files before it created.
            version: its own.
            path: the search_path at its start.
        """
        self.catalog = catalog
        self.version = version
        self._default = path
        self._set: tuple[str, ...] | None = None
        self.temporary: set[str] = set()
        self.is_opaque = False
        """Whether it may have dropped anything."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return a search_path with an unknown schema first, then the usual one."""
        return (f"?{self.version}", *DEFAULT)

    def follow(self, parsed: Parsed) -> None:
        """Follow the search_path as the file sets it."""
        self._set = search_path.after(parsed.statement, self._set)

    def look_into(self, text: str) -> None:
        """Remove what a DO block may drop: what it names, or anything where it builds names."""
        if "search_path" in text.lower():
            self._set = self.unknown
        if not _TAKES.search(text):
            return
        self.is_opaque |= bool(_DYNAMIC.search(text))
        words = set(re.findall(r"\w+", text.lower()))
        self.catalog.drop_where(
            lambda thing, _: (
                (thing.column or thing.name).lower() in words or not thing.name.isidentifier()
            )
        )

    @property
    def _path(self) -> tuple[str, ...]:
        if self._set is None:
            return self._default
        return tuple(one for one in self._set if one != "$user") or self.unknown

    def new(self, space: Space, parts: list[str]) -> Thing:
        """Return what a CREATE of this name creates."""
        return Thing(space, parts[-2] if parts[1:] else self._path[0], parts[-1])

    def there(self, space: Space, parts: list[str]) -> Thing:
        """Return what this name means, if anything."""
        if parts[1:]:
            return Thing(space, parts[-2], parts[-1])
        every = [Thing(space, schema, parts[-1]) for schema in self._path]
        return next((one for one in every if self.catalog.get(one)), every[0])

    def relation(self, table: pg.RangeVar) -> Thing | None:
        """Return the relation that a name means; None for a temporary one."""
        if self._means_temporary(table):
            return None
        return self.there(Space.RELATION, names(table))

    def create(
        self, thing: Thing, kind: str, *, hidden: bool, needs: Iterable[Thing] = ()
    ) -> Iterator[Clash]:
        """Create a thing, or yield the clash with the file that created it before."""
        before = self.catalog.get(thing)
        if before is None:
            self.catalog.add(thing, Made(self.version, kind), needs)
        elif before.version != self.version:
            yield Clash(thing, kind, before, hidden)

    def create_relation(
        self, table: pg.RangeVar, kind: str, *, hidden: bool, needs: Iterable[Thing] = ()
    ) -> Iterator[Clash]:
        """Create a relation, unless it is temporary."""
        if table.relpersistence == "t" or table.schemaname == "pg_temp":
            self.temporary.add(table.relname)
            return
        yield from self.create(
            self.new(Space.RELATION, names(table)), kind, hidden=hidden, needs=needs
        )

    def drop_relation(self, parts: list[str]) -> None:
        """Remove a relation; a temporary one hides another of its name."""
        if parts == [parts[-1]] and parts[-1] in self.temporary:
            self.temporary.discard(parts[-1])
        else:
            self.catalog.drop(self.there(Space.RELATION, parts))

    def is_temporary(self, query: Any) -> bool:
        """Tell whether a query names a temporary relation."""
        return any(self._means_temporary(table) for table in _tables(query))

    def _means_temporary(self, table: pg.RangeVar) -> bool:
        by_name = table.relname in self.temporary and not table.schemaname
        return by_name or table.schemaname == "pg_temp"

    def tables_in(self, query: Any) -> list[Thing]:
        """Return the relations that a query names."""
        found = (self.relation(table) for table in _tables(query))
        return [thing for thing in found if thing]


def names(table: pg.RangeVar) -> list[str]:
    """Return the parts of a relation's name, the schema only where it is written."""
    return [table.schemaname, table.relname] if table.schemaname else [table.relname]


def _tables(node: Any) -> Iterator[pg.RangeVar]:
    """Yield the relations that are named anywhere in a tree."""
    if isinstance(node, pg.RangeVar):
        yield node
        return
    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in value if descriptor.is_repeated else (value,):
                yield from _tables(child)
