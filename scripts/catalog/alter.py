"""The DDL of one attribute of an object."""

from __future__ import annotations

from scripts.catalog.record import Record, Value

_WORDS = {
    "composite type": "TYPE",
    "enum": "TYPE",
    "range": "TYPE",
    "aggregate": "AGGREGATE",
    "not-null constraint": "CONSTRAINT",
}
# What an ALTER says of an attribute; `{name}` is the object, `{value}` the attribute.
_ALTER = {
    "owner": "ALTER {words} {name} OWNER TO {value}",
    "options": "ALTER {words} {name} SET ({value})",
    "toast_options": "ALTER {words} {name} SET (toast: {value})",
    "tablespace": "ALTER {words} {name} SET TABLESPACE {value}",
    "access_method": "ALTER {words} {name} SET ACCESS METHOD {value}",
    "parents": "ALTER {words} {name} INHERIT {value}",
    "row_security": "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    "forced_row_security": "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
    "clustered": "ALTER TABLE {parent} CLUSTER ON {short}",
    "version": "ALTER {words} {name} UPDATE TO '{value}'",
    "labels": "CREATE TYPE {name} AS ENUM ({value})",
    "owned_by": "ALTER SEQUENCE {name} OWNED BY {value}",
    "definition": "{value}",
}
_COLUMN = {
    "type": "TYPE {value}",
    "not_null": "SET NOT NULL",
    "default": "SET DEFAULT {value}",
    "identity": "ADD GENERATED {value} AS IDENTITY",
    "generated": "GENERATED ({value})",
    "collation": "COLLATE {value}",
    "storage": "SET STORAGE {value}",
    "compression": "SET COMPRESSION {value}",
    "statistics": "SET STATISTICS {value}",
    "options": "SET ({value})",
    "foreign_options": "OPTIONS ({value})",
}
LETTERS = {
    ("storage", "p"): "PLAIN",
    ("storage", "e"): "EXTERNAL",
    ("storage", "m"): "MAIN",
    ("storage", "x"): "EXTENDED",
    ("compression", "p"): "pglz",
    ("compression", "l"): "lz4",
    ("identity", "a"): "ALWAYS",
    ("identity", "d"): "BY DEFAULT",
    ("generated", "s"): "stored",
    ("generated", "v"): "virtual",
    ("enabled", "D"): "disabled",
    ("enabled", "R"): "replica",
    ("enabled", "A"): "always",
    ("persistence", "u"): "unlogged",
    ("persistence", "t"): "temporary",
    ("replica_identity", "f"): "full",
    ("replica_identity", "n"): "nothing",
    ("replica_identity", "i"): "index",
}
"""What the catalog has a letter for."""


def statement(record: Record, attribute: str, value: Value) -> str:
    """Return what sets an attribute: DDL where there is any, else the attribute in words."""
    if attribute == "comment":
        quoted = str(value).replace("'", "''")
        return f"COMMENT ON {words(record)} {where(record)} IS '{quoted}'"
    text = shown(attribute, value)
    if record.kind == "column" and attribute in _COLUMN:
        column = record.name.removeprefix(f"{record.parent}.")
        return f"ALTER TABLE {record.parent} ALTER COLUMN {column} " + _COLUMN[attribute].format(
            value=text
        )
    form = _ALTER.get(attribute)
    if form is None:
        return f"ALTER {words(record)} {record.name} -- {said(attribute, value)}"
    return form.format(
        words=words(record),
        name=record.name,
        parent=record.parent,
        short=record.name.removeprefix(f"{record.parent}."),
        value=text,
    )


def has_form(record: Record, attribute: str) -> bool:
    """Tell whether there is DDL for an attribute alone."""
    known = attribute in _ALTER or attribute == "comment"
    return known or (record.kind == "column" and attribute in _COLUMN)


def said(attribute: str, value: Value) -> str:
    """Return an attribute in words: `replica identity full`."""
    return f"{attribute.replace('_', ' ')} {shown(attribute, value)}"


def words(record: Record) -> str:
    """Return what SQL calls an object of its kind."""
    return _WORDS.get(record.kind, record.kind.upper())


def where(record: Record) -> str:
    """Return the object as COMMENT ON takes it: `books_author ON app.books`."""
    if not record.parent or record.kind in ("column", "index", "statistics", "sequence"):
        return record.name
    on = "DOMAIN " if record.get("on") == "domain" else ""
    return f"{record.name.removeprefix(f'{record.parent}.')} ON {on}{record.parent}"


def shown(attribute: str, value: Value) -> str:
    """Return a value for people."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return LETTERS.get((attribute, str(value)), str(value))
