"""A constraint that rows break → its columns, and a query that finds the rows. No values."""

from __future__ import annotations

import re

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.sqltext import lexer, redaction
from scripts.sqltext.lexer import Kind

# `Key (tenant, email)=(…)`: translated around it, but columns come first in any language. Those of
# an index are quoted as SQL, those of a foreign key are as they are.
_KEY = re.compile(r"\((.+?)\)=\(", re.DOTALL)
_ADDS = re.compile(r"\s*(?:ALTER\s+TABLE|CREATE\s+(?:UNIQUE\s+)?INDEX)\b", re.IGNORECASE)
# A column that the statement itself adds cannot be queried.
_SETS_NOT_NULL = re.compile(r"\bSET\s+NOT\s+NULL\b|\bPRIMARY\s+KEY\b", re.IGNORECASE)
_NOT_NULL, _FOREIGN_KEY, _UNIQUE, _CHECK = "23502", "23503", "23505", "23514"


def lines(error: psycopg2.Error, sql: str) -> list[str]:
    """Return lines that help to find the rows.

    Args:
        error: what the server refused, of class 23, and no RAISE.
        sql: the statement; a query is given where it adds the constraint, for the rows of any other
            have not come to be.

    Returns:
        Lines for the error: the columns, the query; none if neither is known.
    """
    columns, diagnostics = _columns(error), error.diag
    found = [f"columns: {', '.join(columns)}"] if columns else []
    if not (diagnostics.table_name and error.cursor and _ADDS.match(sql)):
        return found
    if diagnostics.schema_name:
        table: Composable = Identifier(diagnostics.schema_name, diagnostics.table_name)
    else:
        table = Identifier(diagnostics.table_name)
    query = _query(error, sql, table, columns)
    if query is None:
        return found
    what = "the rows" if error.pgcode != _CHECK or _expression(error, sql) else "its definition"
    text = redaction.statement(query.as_string(error.cursor))
    return [*found, f"to find {what}: {text}"]


def _query(
    error: psycopg2.Error, sql: str, table: Composable, columns: list[str]
) -> Composable | None:
    names = SQL(", ").join(_names(error, columns))
    if error.pgcode == _NOT_NULL and columns and _SETS_NOT_NULL.search(sql):
        return SQL("SELECT * FROM {} WHERE {} IS NULL").format(table, names)
    if error.pgcode == _UNIQUE and columns:
        return SQL(
            "SELECT * FROM {table} WHERE ({names}) IN"
            " (SELECT {names} FROM {table} GROUP BY {names} HAVING count(*) > 1)"
        ).format(table=table, names=names)
    if error.pgcode == _FOREIGN_KEY and columns:
        return _orphans(error, sql, table, columns)
    if error.pgcode == _CHECK:
        expression = _expression(error, sql)
        if expression:
            return SQL("SELECT * FROM {} WHERE NOT ({})").format(table, SQL(expression))
        return _definition(error, table)
    return None


def _columns(error: psycopg2.Error) -> list[str]:
    """Return the columns as the server writes them, the whole list of an index in one."""
    if error.pgcode == _NOT_NULL and error.diag.column_name:
        return [error.diag.column_name]
    key = _KEY.search(error.diag.message_detail or "")
    if key is None or error.pgcode not in (_FOREIGN_KEY, _UNIQUE, "23P01"):
        return []
    return key[1].split(", ") if error.pgcode == _FOREIGN_KEY else [key[1]]


def _names(error: psycopg2.Error, columns: list[str]) -> list[Composable]:
    """Quote columns, unless the server has done so."""
    if error.pgcode in (_NOT_NULL, _FOREIGN_KEY):
        return [Identifier(name) for name in columns]
    return [SQL(name) for name in columns]


def _orphans(
    error: psycopg2.Error, sql: str, table: Composable, columns: list[str]
) -> Composable | None:
    """Return the anti-join; what is referenced is in the statement alone."""
    target = _referenced(sql)
    if target is None:
        return _definition(error, table)
    other, keys = target
    same = SQL(" AND ").join(
        SQL("o.{} = {}").format(SQL(key), SQL("t.") + Identifier(column))
        for key, column in zip(keys, columns, strict=False)
    )
    given = SQL(" AND ").join(SQL("t.{} IS NOT NULL").format(Identifier(c)) for c in columns)
    return SQL("SELECT * FROM {} t WHERE {} AND NOT EXISTS (SELECT FROM {} o WHERE {})").format(
        table, given, SQL(other), same
    )


def _definition(error: psycopg2.Error, table: Composable) -> Composable | None:
    """Return the query for a constraint that the file only validates."""
    name = error.diag.constraint_name
    if not (name and error.cursor):
        return None
    return SQL(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = {}"
        " AND conrelid = {}::regclass"
    ).format(Literal(name), Literal(table.as_string(error.cursor)))


def _referenced(sql: str) -> tuple[str, list[str]] | None:
    """Find the one `REFERENCES table (columns)` of a statement."""
    clauses = [one for one in _clauses(sql, "REFERENCES") if one[1]]
    if len(clauses) != 1:
        return None
    table, keys = clauses[0]
    return table, [key.strip() for key in keys.split(",")]


def _expression(error: psycopg2.Error, sql: str) -> str:
    """Find the expression of the CHECK, where the statement has one alone, or of its name."""
    clauses = [inner for _, inner in _clauses(sql, "CHECK")]
    if len(clauses) > 1:
        name = re.escape(error.diag.constraint_name or "")
        named = re.search(rf'\bCONSTRAINT\s+"?{name}"?\s+(?=CHECK\b)', sql, re.IGNORECASE)
        clauses = [inner for _, inner in _clauses(sql[named.end() :], "CHECK")] if named else []
    return clauses[0] if clauses else ""


def _clauses(sql: str, word: str) -> list[tuple[str, str]]:
    """Find `WORD before (inside)`: what stands ahead of the parentheses, and in them."""
    found: list[tuple[str, str]] = []
    begin, opened, depth = -1, -1, 0
    for token in lexer.tokens(sql):
        text = sql[token.start : token.end].upper()
        if begin < 0:
            begin = token.end if token.kind is Kind.WORD and text == word else -1
        elif token.kind is Kind.OPEN:
            opened, depth = (token.end, 1) if opened < 0 else (opened, depth + 1)
        elif token.kind is Kind.CLOSE and opened >= 0:
            depth -= 1
            if depth == 0:
                before = sql[begin : opened - 1].strip()
                found.append((before, sql[opened : token.start].strip()))
                begin = opened = -1
    return found
