"""What the columns of an earlier tool's ledger mean, and the SQL that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from psycopg2.sql import SQL, Composable, Identifier

_NAMES = {
    "version": ("version", "migration_version", "migration_id", "number", "revision"),
    "filename": ("filename", "file_name", "file", "migration_name", "script", "migration", "name"),
    "applied_at": (
        "applied_at",
        "applied_on",
        "applied_timestamp",
        "applied",
        "executed_at",
        "run_at",
        "run_on",
        "migrated_at",
        "installed_on",
        "created_at",
        "timestamp",
    ),
    "rollback_sql": ("rollback_sql", "rollback", "down_sql", "down", "rollback_script", "undo_sql"),
    "checksum": ("checksum", "file_checksum", "hash", "sha256", "md5", "content_hash"),
}
"""What a ledger's column is called elsewhere; capitals and underscores do not count."""
_GOOD = "('applied', 'success', 'succeeded', 'done', 'ok', 'complete', 'completed', 'executed')"
_IS_TRUE = "{}::text IN ('true', 't', '1', 'yes')"
_NOT_APPLIED = {
    "applied": "{}::text IN ('false', 'f', '0', 'no')",
    "dirty": _IS_TRUE,
    "failed": _IS_TRUE,
    "success": f"NOT {_IS_TRUE}",
    "succeeded": f"NOT {_IS_TRUE}",
    "status": f"lower({{}}::text) NOT IN {_GOOD}",
    "state": f"lower({{}}::text) NOT IN {_GOOD}",
    "error": "{}::text <> ''",
    "rolledbackat": "{} IS NOT NULL",
    "revertedat": "{} IS NOT NULL",
    "undoneat": "{} IS NOT NULL",
}
"""Where a column says that a row's migration is not applied, or only in part."""
# Seconds, milliseconds or microseconds: today they differ by their size.
_EPOCH = (
    "to_timestamp({0}::numeric / CASE WHEN {0}::numeric > 1e14 THEN 1e6"
    " WHEN {0}::numeric > 1e11 THEN 1e3 ELSE 1 END)"
)
# A time without time zone is in the session's: which one it was, nobody noted.
_WRITTEN = f"CASE WHEN {{0}} ~ '^[0-9.]+$' THEN {_EPOCH} ELSE {{0}}::timestamptz END"
_NUMERIC = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TEXTUAL = ("text", "character varying", "character")
_TIMES = (
    "timestamp with time zone",
    "timestamp without time zone",
    "date",
    *_NUMERIC,
    *_TEXTUAL,
)


def found(types: Mapping[str, str]) -> dict[str, str]:
    """Return which column has what: the table's name for each of ours.

    Args:
        types: its columns and their types, as `format_type` has them, without length.
    """
    by_name = {_plain(one): one for one in types}
    known: dict[str, str] = {}
    for ours, names in _NAMES.items():
        there = (by_name.get(_plain(name)) for name in names)
        if ours == "applied_at":
            there = (one for one in there if one and types[one] in _TIMES)
        column = next((one for one in there if one and one not in known.values()), None)
        if column:
            known[ours] = column
    return known


def _plain(column: str) -> str:
    return re.sub("[^a-z0-9]", "", column.lower())


def not_applied(types: Iterable[str]) -> dict[str, Composable]:
    """Return, for each column that can say that a migration is not applied, when it says so."""
    return {
        one: SQL(_NOT_APPLIED[_plain(one)]).format(Identifier(one))
        for one in types
        if _plain(one) in _NOT_APPLIED
    }


def values(columns: Mapping[str, str], types: Mapping[str, str]) -> Composable:
    """Return SQL for version, file name, time, rollback SQL and checksum, in this order.

    Args:
        columns: see `found`.
        types: as for it.
    """
    return SQL(", ").join(_value(name, columns, types) for name in _NAMES)


def _value(name: str, columns: Mapping[str, str], types: Mapping[str, str]) -> Composable:
    if name not in columns:
        return SQL("NULL")
    return (_time if name == "applied_at" else _text)(columns[name], types)


def _text(column: str, types: Mapping[str, str]) -> Composable:
    form = "encode({}, 'hex')" if types[column] == "bytea" else "{}::text"
    return SQL(form).format(Identifier(column))


def _time(column: str, types: Mapping[str, str]) -> Composable:
    kind = types[column]
    form = _EPOCH if kind in _NUMERIC else _WRITTEN if kind in _TEXTUAL else "{}::timestamptz"
    return SQL(form).format(Identifier(column))
