"""Which index a statement builds concurrently."""

from __future__ import annotations

import pytest

from scripts.sqltext import concurrent_index, statements
from scripts.sqltext.concurrent_index import ConcurrentIndex


def index(sql: str) -> ConcurrentIndex | None:
    [statement] = statements.split(sql)
    return concurrent_index.of(statement)


@pytest.mark.parametrize(
    ("sql", "name", "schema", "table"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a);", "i", None, "t"),
        ("create unique index concurrently I on S.T(a)", "i", "s", "t"),
        ('CREATE INDEX CONCURRENTLY IF NOT EXISTS "I" ON ONLY "S"."T" (a);', "I", "S", "T"),
        ('CREATE INDEX CONCURRENTLY "a""b" ON t USING gin (x);', 'a"b', None, "t"),
        ("CREATE INDEX CONCURRENTLY i ON t USING btree (a);", "i", None, "t"),
        ("CREATE INDEX CONCURRENTLY i ON s . t (a);", "i", "s", "t"),
        ("CREATE /* x */ INDEX CONCURRENTLY -- y\n i /* ON z */ ON t (a);", "i", None, "t"),
        ('CREATE INDEX CONCURRENTLY "on" ON t (a);', "on", None, "t"),
        ('CREATE INDEX CONCURRENTLY "only" ON "only" (a);', "only", None, "only"),
    ],
)
def test_names_are_read_as_postgresql_reads_them(
    sql: str, name: str, schema: str | None, table: str
) -> None:
    assert index(sql) == ConcurrentIndex(name, schema, table)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY ON t (a);",
        "CREATE INDEX i ON t (a);",
        "DROP INDEX CONCURRENTLY i;",
        "REINDEX INDEX CONCURRENTLY i;",
        "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)';",
    ],
)
def test_others_build_none_that_could_be_looked_for(sql: str) -> None:
    assert index(sql) is None
