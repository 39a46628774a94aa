"""The DDL of a whole object, with what belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scripts.catalog import alter, privileges
from scripts.catalog.record import Record

_TABLES = ("table", "foreign table", "composite type")
_IN_TABLE = ("column", "constraint", "not-null constraint")
_NOT_SHOWN = (
    "definition",
    "position",
    "on",
    "constraint_name",
    "of_constraint",
    "owner",
    "labels",
    "base",
    "privileges",
)
"""Attributes that the first statement has, or nobody asks for."""
# https://www.postgresql.org/docs/current/ddl-priv.html
_EVERYBODYS = {
    **dict.fromkeys(("function", "procedure", "aggregate"), "GRANT EXECUTE ON "),
    **dict.fromkeys(("enum", "range", "domain", "type", "language"), "GRANT USAGE ON "),
    "database": "GRANT CONNECT, TEMPORARY ON ",
}
_IN_COLUMN = ("type", "not_null", "default", "identity", "generated", "collation", "local")
"""Columns' attributes that the statement which makes the column has."""


def statements(record: Record, parts: Iterable[Record | None] = ()) -> Iterator[str]:
    """Yield what makes an object.

    Args:
        record: the object.
        parts: its columns, constraints, indexes and all else that goes with it.
    """
    known = [part for part in parts if part is not None]
    columns = sorted((part for part in known if part.kind == "column"), key=_position)
    if record.kind in _TABLES:
        constraints = [_constraint(part) for part in known if part.kind == "constraint"]
        yield _table(record, [*map(_column, columns), *constraints])
    elif record.kind in _IN_TABLE:
        yield _head(record)
    else:
        yield _head(record) + _in_words(record)
    yield from _attributes(record)
    inside = _IN_TABLE if record.kind in _TABLES else ()
    for part in (*columns, *(part for part in known if part.kind not in inside)):
        if part.kind == "column":
            yield from _attributes(part)
        elif not _is_implied(part, columns):
            yield from statements(part)


def _table(record: Record, inside: Sequence[str]) -> str:
    listed = ",\n    ".join(inside)
    body = f"(\n    {listed}\n)" if inside else "()"
    return f"CREATE {alter.words(record)} {record.name} {body}{_in_words(record)}"


def _is_implied(part: Record, columns: Iterable[Record]) -> bool:
    """Tell whether a part comes with another: an index with its constraint, and so on."""
    if part.kind == "index":
        return part.get("of_constraint") is not None
    owners = [one for one in columns if one.name == part.get("owned_by")]
    if part.kind == "sequence":
        return any(one.get("identity") is not None for one in owners)
    return part.kind == "type"


def _head(record: Record) -> str:
    match record.kind:
        case "column":
            return f"ALTER TABLE {record.parent} ADD COLUMN {_column(record)}"
        case "constraint":
            altered = "DOMAIN" if record.get("on") == "domain" else "TABLE"
            return f"ALTER {altered} {record.parent} ADD {_constraint(record)}"
        case "view" | "materialized view":
            words = alter.words(record)
            return f"CREATE {words} {record.name} AS\n{record.get('definition')}"
        case "enum":
            labels = alter.shown("labels", record.get("labels") or ())
            return f"CREATE TYPE {record.name} AS ENUM ({labels})"
        case "domain":
            return f"CREATE DOMAIN {record.name} AS {record.get('base')}"
        case _:
            definition = record.get("definition")
            made = f"CREATE {alter.words(record)} {alter.where(record)}"
            return made if definition is None else str(definition)


def _attributes(record: Record) -> Iterator[str]:
    """Yield what is not in the first statement; the owner's own privileges are left out."""
    left = (*_NOT_SHOWN, *_IN_COLUMN) if record.kind == "column" else _NOT_SHOWN
    for attribute, value in record.attributes:
        if attribute not in left and alter.has_form(record, attribute):
            yield alter.statement(record, attribute, value)
    yield from _others(record)


def _in_words(record: Record) -> str:
    """Return the attributes that no DDL sets alone, to stand behind the first statement."""
    said = [
        alter.said(attribute, value)
        for attribute, value in record.attributes
        if attribute not in _NOT_SHOWN and not alter.has_form(record, attribute)
    ]
    return f" -- {'; '.join(said)}" if said else ""


def _others(record: Record) -> Iterator[str]:
    """Yield what is granted to others than the owner, and not to everybody from the start."""
    own = f" TO {record.get('owner')}"
    usual = _EVERYBODYS.get(record.kind, "-")
    for text in privileges.statements(record, None):
        if not text.endswith(own) and not (text.startswith(usual) and text.endswith(" TO PUBLIC")):
            yield text


def _column(record: Record) -> str:
    parts = [record.name.removeprefix(f"{record.parent}."), str(record.get("type"))]
    collation, default = record.get("collation"), record.get("default")
    identity, generated = record.get("identity"), record.get("generated")
    if collation is not None:
        parts.append(f"COLLATE {collation}")
    if generated is not None:
        parts.append(
            f"GENERATED ALWAYS AS ({default}) {alter.shown('generated', generated).upper()}"
        )
    elif default is not None:
        parts.append(f"DEFAULT {default}")
    if identity is not None:
        parts.append(f"GENERATED {alter.shown('identity', identity)} AS IDENTITY")
    if record.get("not_null"):
        parts.append("NOT NULL")
    return " ".join(parts)


def _constraint(record: Record) -> str:
    name = record.name.removeprefix(f"{record.parent}.")
    return f"CONSTRAINT {name} {record.get('definition')}"


def _position(record: Record) -> int:
    return int(str(record.get("position") or 0))
