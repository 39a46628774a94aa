"""Marks: a number for each relation, and for the rest, that is another when its catalog rows are.

A row's mark comes of its place and of the transaction that wrote it (`ctid` and `xmin`): no change
keeps both, and a rollback brings both back. What has changed, it does not say.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import queries

REST, ALL = 0, 1
"""The owners of what belongs to no relation, and of what anything may depend on."""
_ROWS = Path(__file__).with_name("marks.sql")
_GAP = re.compile(r"\{(\w+)(?::(\w+))?\}")
# An oid as a number: statistics of a new database know none but the server's own rows, and the plan
# would be one for a few.
_OWN = "{}::bigint >= 16384"
# A transaction's number as an integer: there is no cast, its text takes three times as long, and
# `age` has one answer for all that are frozen. The distance from a number that stands still nearly
# always says the same; where it moves, all is read again.
_MARK = "hashtidextended({0}ctid, ({1}::bigint << 32) # mxid_age({0}xmin)::bigint)"
_THIS = "{} = (SELECT oid FROM pg_database WHERE datname = current_database())"
# An index is its table's.
_BY_OWNER = """
SELECT coalesce(i.indrelid, m.owner)::bigint, bit_xor(m.mark)
FROM (SELECT owner, bit_xor(mark) AS mark FROM ({}) r (owner, mark) GROUP BY owner) m
LEFT JOIN pg_index i ON i.indexrelid = m.owner
GROUP BY 1
"""


@functools.cache
def query() -> str:
    """Return what gives the marks: rows of an owner (an oid, `REST` or `ALL`) and its mark."""
    numbers = itertools.count()

    def filled(gap: re.Match[str]) -> str:
        name, column = gap.groups()
        if name == "own":
            return _OWN.format(column)
        if name == "this":
            return _THIS.format(column)
        # Two catalogs' rows at one place, of one transaction, would cancel each other out.
        if name == "mark":
            return _MARK.format(f"{column}." if column else "", next(numbers))
        return queries.every()[name]

    return _BY_OWNER.format(_GAP.sub(filled, _ROWS.read_text()))


def take(connection: Connection, statement: str) -> Mapping[int, int]:
    """Return the marks of a database.

    Args:
        connection: in a transaction.
        statement: `query()`, or what executes it prepared.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return dict(cursor.fetchall())
