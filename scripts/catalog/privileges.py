"""Privileges as GRANT writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.catalog.record import Record

# https://www.postgresql.org/docs/current/ddl-priv.html
_LETTERS = {
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "m": "MAINTAIN",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "c": "CONNECT",
    "T": "TEMPORARY",
    "s": "SET",
    "A": "ALTER SYSTEM",
}
_ITEM = re.compile(r'(?P<role>(?:[^="]|"(?:[^"]|"")*")*)=(?P<letters>[^/]*)/(?P<by>.*)')
_ON = {
    "column": "",
    "view": "",
    "materialized view": "",
    "table": "",
    "foreign table": "",
    "enum": "TYPE ",
    "range": "TYPE ",
    "default privileges": "",
}


def statements(record: Record, other: Record | None) -> Iterator[str]:
    """Yield GRANTs for what a record has and another one of the object has not.

    Args:
        record: whose privileges.
        other: the same object before or after; None to yield all of them.
    """
    ours = {one for item in _items(record) for one in _granted(item)}
    theirs = {one for item in _items(other) for one in _granted(item)} if other else set()
    by_role: dict[tuple[str, str], list[str]] = {}
    for role, privilege, option in sorted(ours - theirs):
        by_role.setdefault((role, option), []).append(privilege)
    for (role, option), granted in by_role.items():
        yield f"GRANT {', '.join(granted)} ON {_target(record)} TO {role}{option}"


def _items(record: Record) -> tuple[str, ...]:
    found = record.get("privileges")
    return found if isinstance(found, tuple) else ()


def _granted(item: str) -> Iterator[tuple[str, str, str]]:
    """Yield role, privilege and grant option of an aclitem, `app=r*w/owner`."""
    found = _ITEM.fullmatch(item)
    if found is None:
        return
    for letter, star in re.findall(r"(\w)(\*?)", found["letters"]):
        option = " WITH GRANT OPTION" if star else ""
        yield found["role"] or "PUBLIC", _LETTERS.get(letter, letter), option


def _target(record: Record) -> str:
    kind = _ON.get(record.kind, f"{record.kind.upper()} ")
    if record.kind == "column":
        return f"{record.parent} ({record.name.removeprefix(f'{record.parent}.')})"
    return f"{kind}{record.name}"
