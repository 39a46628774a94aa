"""An object's identity: its oid, found by its name in SQL, as the server resolves names.

Two objects of one name, one before a migration and one after it, are the same where their
identities are. Catalogs are read by name, not by `to_regclass`: that refuses a login that has no
USAGE on a schema, and would end a migration that has no need of it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.sqltext.drops import Drop
from scripts.sqltext.targets import Object

KEPT = frozenset({"table", "column", "sequence", "schema", "type"})
"""Kinds that hold data: a rollback that would drop one is refused."""
KINDS = (*sorted(KEPT), "view", "materialized view", "index", "extension", "function")

# Kinds of relations: https://www.postgresql.org/docs/current/catalog-pg-class.html
_RELATIONS = {
    "table": "r,p,f",
    "sequence": "S",
    "view": "v",
    "materialized view": "m",
    "index": "i,I",
}


class Named(NamedTuple):
    """An object as a section names it, and where its name is looked up."""

    object: Object
    search_path: tuple[str, ...] | None

    @property
    def shown(self) -> str:
        """Return the object for people: "table app.users", "column users.email"."""
        parts = [*self.object.name, *([self.object.column] if self.object.column else [])]
        return f"{self.object.kind} {'.'.join(parts)}"


def named(drops: Iterable[Drop]) -> tuple[Named, ...]:
    """Return the objects that drops are about, each once."""
    return tuple(dict.fromkeys(Named(drop.object, drop.search_path) for drop in drops))


def identities(wanted: Sequence[Named]) -> Composable:
    """Return an expression that gives the objects' identities, as a text[] in their order.

    An identity is an oid, for a column its table's oid and its number; NULL where there is no such
    object.
    """
    if not wanted:
        return SQL("ARRAY[]::text[]")
    return SQL("ARRAY[{}]::text[]").format(SQL(", ").join(_identity(one) for one in wanted))


def remains(one: Named, known: Composable, *, by_name: bool = True) -> Composable:
    """Return a condition that tells whether the object with this identity still exists.

    No search path is asked, which a migration may have changed.

    Args:
        one: the object.
        known: its identity, as SQL that gives text.
        by_name: whether it has to have the same name still.
    """
    kind = one.object.kind
    oid = SQL("pg_catalog.split_part({}, '.', 1)::oid").format(known)
    if kind == "column":
        number = SQL("nullif(pg_catalog.split_part({}, '.', 2), '')::int").format(known)
        return SQL(
            "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum = {}"
            " AND NOT attisdropped{})"
        ).format(oid, number, _has(by_name, "attname", one.object.column))
    table, name = _NAMES.get(kind, ("pg_class", "relname"))
    return SQL("EXISTS (SELECT FROM {} WHERE oid = {}{})").format(
        Identifier("pg_catalog", table), oid, _has(by_name, name, one.object.name[-1])
    )


_NAMES = {
    "schema": ("pg_namespace", "nspname"),
    "extension": ("pg_extension", "extname"),
    "type": ("pg_type", "typname"),
    "function": ("pg_proc", "proname"),
}


def _has(by_name: bool, column: str, name: str) -> Composable:
    return SQL(" AND {} = {}").format(Identifier(column), Literal(name)) if by_name else SQL("")


class _Catalog(NamedTuple):
    """A catalog of objects that lie in schemas, and how the session sees them."""

    table: str
    prefix: str
    is_visible: str


_CLASSES = _Catalog("pg_class", "rel", "pg_table_is_visible")
_TYPES = _Catalog("pg_type", "typ", "pg_type_is_visible")
_ROUTINES = _Catalog("pg_proc", "pro", "pg_function_is_visible")
# A table's own type is none of these, nor is an array's.
_NOT_OF_A_TABLE = (
    "AND (o.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c"
    " WHERE c.oid = o.typrelid AND c.relkind = 'c')) "
)
_COLUMN = SQL(
    "(SELECT format('%s.%s', a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a"
    " WHERE a.attrelid = {} AND a.attname = {} AND a.attnum > 0 AND NOT a.attisdropped)"
)
_SCHEMA = SQL("(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {})")
_EXTENSION = SQL("(SELECT oid FROM pg_catalog.pg_extension WHERE extname = {})")
# By the schema that is written, or by the section's own search path.
_IN_PATH = (
    "AND {schema} = ANY (ARRAY(SELECT n.oid FROM pg_catalog.pg_namespace n"
    " WHERE n.nspname = ANY (ARRAY[{{schemas}}]::text[])))"
    " ORDER BY array_position(ARRAY[{{schemas}}]::text[], (SELECT n.nspname::text"
    " FROM pg_catalog.pg_namespace n WHERE n.oid = {schema}))"
)


def _identity(one: Named) -> Composable:
    kind, name = one.object.kind, Literal(one.object.name[-1])
    if kind == "column":
        return _COLUMN.format(_in_schemas(one, "table"), Literal(one.object.column))
    if kind == "schema":
        return _SCHEMA.format(name)
    if kind == "extension":
        return _EXTENSION.format(name)
    return _in_schemas(one, kind)


def _in_schemas(one: Named, kind: str) -> Composable:
    """Find an object by its schema, by the section's own search path, or as the session sees it."""
    name = Literal(one.object.name[-1])
    path = one.object.name[-2:-1] or one.search_path
    if path is None:
        return _finding(kind, in_path=False).format(name=name)
    schemas = SQL(", ").join(
        SQL("current_user::text") if part == "$user" else Literal(part) for part in path
    )
    return _finding(kind, in_path=True).format(name=name, schemas=schemas)


@functools.lru_cache(maxsize=32)
def _finding(kind: str, *, in_path: bool) -> SQL:
    """Return the query that finds an object by its name; it has gaps for names and schemas."""
    catalog, condition = _ROUTINES, ""
    if kind in _RELATIONS:
        listed = ", ".join(f"'{one}'" for one in _RELATIONS[kind].split(","))
        catalog, condition = _CLASSES, f"AND o.relkind IN ({listed}) "
    elif kind == "type":
        catalog, condition = _TYPES, _NOT_OF_A_TABLE
    where = (
        _IN_PATH.format(schema=f"o.{catalog.prefix}namespace")
        if in_path
        else f"AND pg_catalog.{catalog.is_visible}(o.oid)"
    )
    return SQL(
        f"(SELECT o.oid FROM pg_catalog.{catalog.table} o WHERE o.{catalog.prefix}name = {{name}} "  # noqa: S608 - of constants
        f"{condition}{where} LIMIT 1)"
    )
