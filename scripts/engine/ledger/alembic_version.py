"""Alembic's version row, moved in the ledger's own statement: both can't be had apart."""

from __future__ import annotations

from psycopg2.sql import SQL, Composable, Literal

BASE = "base"
"""Where nothing is applied: Alembic's table has no row then."""


def creation(table: Composable) -> Composable:
    """Return the statement that makes the table as Alembic does, where it is not there.

    Args:
        table: its quoted name.
    """
    return SQL(
        "CREATE TABLE IF NOT EXISTS {} (version_num VARCHAR(32) NOT NULL,"
        " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    ).format(table)


def moving(table: Composable, before: str, after: str) -> Composable:
    """Return the statement that moves the version; it gives a row, or none if that was another one.

    Args:
        table: the quoted name of Alembic's table.
        before: the version that it has, or `BASE`.
        after: the version that it gets, or `BASE`.
    """
    names = {"table": table, "before": Literal(before), "after": Literal(after)}
    if before == BASE:
        return SQL(
            "INSERT INTO {table} (version_num) SELECT {after}"
            " WHERE NOT EXISTS (SELECT FROM {table}) RETURNING txid_current()"
        ).format(**names)
    if after == BASE:
        return SQL(
            "DELETE FROM {table} WHERE version_num = {before} RETURNING txid_current()"
        ).format(**names)
    return SQL(
        "UPDATE {table} SET version_num = {after} WHERE version_num = {before}"
        " RETURNING txid_current()"
    ).format(**names)
