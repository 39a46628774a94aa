"""Alembic's version row, moved in the ledger's own statement so that both change together."""

from __future__ import annotations

from psycopg2.sql import SQL, Composable, Literal, Placeholder

BASE = "base"
"""The version when nothing is applied; Alembic's table then has no row."""


def creation(table: Composable) -> Composable:
    """Return the statement that makes the table as Alembic does, where it is not there.

    Args:
        table: its quoted name.
    """
    return SQL(
        "CREATE TABLE IF NOT EXISTS {} (version_num VARCHAR(32) NOT NULL,"
        " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    ).format(table)


def first(table: Composable, version: str) -> Composable:
    """Return the statement that gives an empty table its version."""
    return SQL("INSERT INTO {} (version_num) VALUES ({})").format(table, Literal(version))


def is_at(table: Composable, version: str) -> Composable:
    """Return the query that tells whether the table has a version, or none for `BASE`."""
    if version == BASE:
        return SQL("SELECT NOT EXISTS (SELECT FROM {})").format(table)
    return SQL("SELECT EXISTS (SELECT FROM {} WHERE version_num = {})").format(
        table, Literal(version)
    )


def moving(table: Composable, before: str, after: str) -> Composable:
    """Return the statement that moves the version; it gives no row if the version was another.

    It has placeholders: `before` and `after`.

    Args:
        table: the quoted name of Alembic's table.
        before: the version that it has, or `BASE`.
        after: the version that it gets, or `BASE`.
    """
    names = {"table": table, "before": Placeholder("before"), "after": Placeholder("after")}
    if before == BASE:
        return SQL(
            "INSERT INTO {table} (version_num) SELECT {after}"
            " WHERE NOT EXISTS (SELECT FROM {table}) RETURNING 1"
        ).format(**names)
    if after == BASE:
        return SQL("DELETE FROM {table} WHERE version_num = {before} RETURNING 1").format(**names)
    return SQL(
        "UPDATE {table} SET version_num = {after} WHERE version_num = {before} RETURNING 1"
    ).format(**names)
