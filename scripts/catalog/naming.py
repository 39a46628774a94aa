"""What objects are called, by what they are: a name that is in others' texts may go to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

_OTHERS = Path(__file__).with_name("names.sql").read_text()
_RELATIONS = """
SELECT c.oid::bigint, c.oid::regclass::text,
  ARRAY(SELECT 'a' || a.attnum || ' ' || a.attname FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'i' || i.indexrelid || ' ' || x.relname FROM pg_index i
      JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid
    UNION ALL SELECT 'c' || k.oid || ' ' || k.conname FROM pg_constraint k
      WHERE k.conrelid = c.oid)
FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c', 'S') AND c.oid = ANY (%s)
"""
# Besides the texts of views, policies and rules, which are parts of relations.
_DEPENDENTS = """
SELECT EXISTS (SELECT FROM pg_class c
    JOIN pg_type t ON t.oid = c.reltype OR t.typelem = c.reltype AND c.reltype <> 0
    JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = t.oid
    WHERE c.oid = ANY (%(relations)s::oid[]) AND d.deptype = 'n'),
  EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass
    AND d.refobjid = ANY (%(relations)s::oid[]) AND d.classid = 'pg_proc'::regclass)
"""


class Relation(NamedTuple):
    """What a relation and its parts are called."""

    name: str
    """In full."""
    parts: Mapping[str, str]
    """Columns, indexes and constraints, by number or oid; those that were dropped are not there."""

    def is_renamed(self, other: Relation) -> bool:
        """Tell whether the relation, or a part, has another name in another state of it."""
        both = self.parts.keys() & other.parts.keys()
        return self.name != other.name or any(self.parts[n] != other.parts[n] for n in both)


class Dependents(NamedTuple):
    """What depends on how relations are."""

    on_types: bool
    """Whether anything has the type of a row: a constant of it has all columns in its text."""
    routines: bool
    """Whether the body of a routine names one."""


def relations(connection: Connection, oids: Iterable[int]) -> dict[int, Relation]:
    """Return what relations are called, by oid; those that are not there are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_RELATIONS, (list(oids),))
        return {
            oid: Relation(name, dict(part.split(" ", 1) for part in parts))
            for oid, name, parts in cursor.fetchall()
        }


def others(connection: Connection) -> dict[tuple[int, int], str]:
    """Return what all else is called that others' texts name, by catalog and oid."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        return {(catalog, oid): name for catalog, oid, name in cursor.fetchall()}


def are_renamed(
    before: Mapping[tuple[int, int], str], after: Mapping[tuple[int, int], str]
) -> bool:
    """Tell whether anything that was there and still is has another name."""
    return any(after.get(key, name) != name for key, name in before.items())


def dependents(connection: Connection, oids: Iterable[int]) -> Dependents:
    """Look for what depends on how relations are."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPENDENTS, {"relations": list(oids)})
        row = cursor.fetchone()
    return Dependents(*(row or (False, False)))
