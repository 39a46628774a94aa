"""What the tables of a schema are about: docs/schema/groups.toml."""

from __future__ import annotations

import tomllib
from typing import NamedTuple

from scripts.catalog.record import Record
from tests.support.workspace import REPOSITORY
from tests.tools.schema_catalog import Schema, foreign, node

GROUPS = REPOSITORY / "docs" / "schema" / "groups.toml"
_KINDS = ("table", "view", "materialized view")


class Group(NamedTuple):
    """Tables and views that belong together."""

    title: str
    relations: list[Record]

    @property
    def tables(self) -> list[Record]:
        """Return the tables: views have no keys that a diagram could show."""
        return [one for one in self.relations if one.kind == "table"]

    def neighbours(self, schema: Schema) -> list[Record]:
        """Return the tables of other groups that these refer to."""
        own = {one.name for one in self.tables}
        targets = {key.target for one in self.tables for key in foreign(schema, one)}
        return [one for one in schema.of("table") if one.name in targets - own]


def groups(environment: str, schema: Schema) -> list[Group]:
    """Return the groups of a schema, as the file has them; partitions belong to their table.

    Raises:
        ValueError: when the file names what is not there, or leaves something out.
    """
    listed = tomllib.loads(GROUPS.read_text(encoding="utf-8")).get(environment, {})
    found = {
        node(one.name): one
        for kind in _KINDS
        for one in schema.of(kind)
        if not one.get("partition_bound")
    }
    named = [name for names in listed.values() for name in names]
    twice = {name for name in named if named.count(name) > 1}
    different = sorted((set(named) ^ set(found)) | twice)
    if different:
        raise ValueError(f"{GROUPS.name} and the schema of {environment} differ in {different}")
    return [Group(title, [found[name] for name in names]) for title, names in listed.items()]
