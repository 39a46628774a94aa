"""Takes a snapshot of a database: everything in its catalog that is not the server's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import queries
from scripts.catalog.record import Key, Record

# What the server writes depends on these: names are written in full, dates and numbers alike.
_READING = {
    "search_path": "pg_catalog",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    # To plan them takes longer than to run them.
    "plan_cache_mode": "force_generic_plan",
}
_OURS = "upskill_catalog_"
"""What the names of prepared queries begin with."""
Wanted = Callable[[Record], bool]


class Snapshot(NamedTuple):
    """What a database's catalog had at one moment."""

    records: Mapping[Key, Record]
    version: int
    """The server's, as libpq has it: 150004 is 15.4."""


def take(
    connection: Connection, wanted: Wanted = lambda _: True, *, again: bool = False
) -> Snapshot:
    """Take a snapshot.

    Args:
        connection: in a transaction, or about to begin one; its settings are as before afterwards.
        wanted: which objects count.
        again: whether more snapshots will be taken in this session, which is nobody else's: the
            queries are prepared then. To plan them takes five times as long as to run them on a
            small database.

    Raises:
        ValueError: when two objects have one class and name: a query is wrong.
        psycopg2.Error: when the catalog cannot be read.
    """
    with reading(connection):
        texts = queries.statements()
        return read(connection, wanted, prepared(connection, texts) if again else texts)


def read(connection: Connection, wanted: Wanted, texts: Mapping[str, str]) -> Snapshot:
    """Read what queries give, for `reading`; see `take`.

    Args:
        connection: in a transaction.
        wanted: which objects count.
        texts: the queries, by name.
    """
    records = dict[Key, Record]()
    for name, query in texts.items():
        for record in rows(connection, query):
            if record.key in records:
                raise ValueError(f"the query for {name} gives {record.key} twice")
            if wanted(record):
                records[record.key] = record
    return Snapshot(records, connection.server_version)


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Have the server write names in full, values alike and to the end, for a `with` block."""
    names = list(_READING)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name), set_config(name, value, true)"
            " FROM unnest(%s, %s) AS wanted (name, value)",
            (names, [_READING[name] for name in names]),
        )
        before = [(name, value) for name, value, _ in cursor]
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s, %s) AS before (name, value)",
            ([name for name, _ in before], [value for _, value in before]),
        )


def prepared(
    connection: Connection, texts: Mapping[str, str], parameters: str = ""
) -> dict[str, str]:
    """Return what runs queries, after preparing those that the session does not have.

    Args:
        connection: whose session keeps them.
        texts: our own queries, by our own names.
        parameters: the types of their parameters, in brackets.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE %s", (f"{_OURS}%",))
        known = {name for (name,) in cursor}
        for name in texts:
            if f"{_OURS}{name}" not in known:
                cursor.execute(f"PREPARE {_OURS}{name}{parameters} AS {texts[name]}")
    return {name: f"EXECUTE {_OURS}{name}" for name in texts}


def rows(connection: Connection, query: str) -> Iterator[Record]:
    """Yield the objects that a query gives; for `reading`."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        columns = [column.name for column in cursor.description or ()]
        found = cursor.fetchall()
    if columns == ["row_to_json"]:
        for (row,) in found:
            yield _record(list(row), list(row.values()))
    else:
        for values in found:
            yield _record(columns, values)


def _record(columns: Sequence[str], values: Sequence[Any]) -> Record:
    first = 3 if columns[2:3] == ["parent"] else 2
    return Record(
        values[0],
        values[1],
        (first == 3 and values[2]) or "",
        tuple(
            [
                (name, tuple(map(str, value)) if isinstance(value, list) else value)
                for name, value in zip(columns[first:], values[first:], strict=True)
                if value is not None and value != []
            ]
        ),
    )
