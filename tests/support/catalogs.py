"""A database with everything that a catalog can have, and which columns of catalogs are read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.embedded.server import Server

_DATA = Path(__file__).parents[1] / "data/catalog"
EVERYTHING = (_DATA / "everything.sql").read_text()
ROLE = """
DO $$ BEGIN CREATE ROLE somebody;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
"""

_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(pg_\w+)\s+(\w+)", re.IGNORECASE)
_COLUMN = re.compile(r"\b(\w+)\.(\w+)\b")
_BY_NAME = re.compile(r"to_jsonb\((\w+)\)(?:->>|\s+AS\s+r\b)'?(\w*)'?")
_OF_ROW = re.compile(r"\bj\.r->>'(\w+)'")


@contextmanager
def everything(database: str, postgres: Server) -> Iterator[Connection]:
    """Fill a database with one object of every class; give a superuser's connection to it."""
    name = psycopg2.extensions.parse_dsn(database)["dbname"]
    with closing(psycopg2.connect(postgres.url(name))) as connection:
        for text in (f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER; {ROLE}', EVERYTHING):
            with connection.cursor() as cursor:
                cursor.execute(text)
            connection.commit()
        yield connection
        connection.rollback()
        # A database with a subscription cannot be dropped.
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute("DROP SUBSCRIPTION copies")
            connection.commit()


def forms() -> list[tuple[str, list[str]]]:
    """Return changes of one thing each, and the differences that each makes."""
    found = []
    for block in (_DATA / "forms.txt").read_text().strip().split("\n\n"):
        statement, *expected = block.splitlines()
        found.append((statement, [line.removeprefix("--> ") for line in expected]))
    return found


def catalogs_read(text: str) -> set[str]:
    """Return the catalogs that a query reads."""
    return set(re.findall(r"\b(?:FROM|JOIN)\s+(pg_\w+)", text))


def columns_read(text: str) -> dict[str, set[str]]:
    """Return the columns that a query names, by catalog.

    Args:
        text: a query in which each catalog has an alias, and each column the alias before it.
    """
    aliases: dict[str, set[str]] = defaultdict(set)
    for catalog, alias in _SOURCE.findall(text):
        aliases[alias].add(catalog)
    found: dict[str, set[str]] = defaultdict(set)
    for alias, column in _COLUMN.findall(text):
        for catalog in aliases.get(alias, ()):
            found[catalog].add(column)
    for alias, column in _BY_NAME.findall(text):
        for catalog in aliases.get(alias, ()):
            found[catalog].update([column] if column else _OF_ROW.findall(text))
    return found
