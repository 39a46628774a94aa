"""A snapshot reads every column of the server's catalogs, or an excuse names it with a reason."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from scripts.catalog import queries
from tests.support.catalogs import columns_read

pytestmark = pytest.mark.database
EXCUSED = Path(__file__).parents[1] / "data/catalog/excused.toml"
_COLUMNS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
  AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1
"""


@pytest.fixture
def catalogs(database: str) -> Iterator[dict[str, set[str]]]:
    """The catalogs of the server that the tests run on, with their columns."""
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        yield {name: set(columns) for name, columns in cursor}


def read() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for query in queries.every().values():
        for catalog, columns in columns_read(query).items():
            found[catalog] |= columns
    return found


def excused() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for catalogs_of_reason in tomllib.loads(EXCUSED.read_text()).values():
        for catalog, columns in catalogs_of_reason.items():
            found[catalog] |= set(columns)
    return found


def test_every_column_is_read_or_excused_by_name(catalogs: dict[str, set[str]]) -> None:
    known, excuses = read(), excused()
    missing = {
        f"{catalog}.{column}"
        for catalog, columns in catalogs.items()
        for column in columns - known[catalog]
        if not excuses[catalog] & {column, "*"}
    }
    assert missing == set()


def test_nothing_is_excused_that_is_read(catalogs: dict[str, set[str]]) -> None:
    known = read()
    needless = {
        f"{catalog}.{column}"
        for catalog, columns in excused().items()
        for column in columns
        if (column == "*" and known[catalog] - {"oid"}) or column in known[catalog]
    }
    assert needless == set()


def test_a_query_names_each_column_with_its_catalog() -> None:
    found = columns_read(
        "SELECT a.x, to_jsonb(b)->>'late' FROM pg_a a LEFT JOIN pg_b b ON b.y = a.z"
    )
    assert found == {"pg_a": {"x", "z"}, "pg_b": {"late", "y"}}
