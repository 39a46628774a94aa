"""Which index a statement builds concurrently."""

from __future__ import annotations

import pytest

from scripts.sqltext import concurrent_index, statements
from scripts.sqltext.concurrent_index import ConcurrentBuild, Creation, Rebuild, Shape


def build(sql: str) -> ConcurrentBuild | None:
    [statement] = statements.split(sql)
    return concurrent_index.of(statement)


def created(sql: str) -> Creation:
    found = build(sql)
    assert isinstance(found, Creation)
    return found


@pytest.mark.parametrize(
    ("sql", "name", "table"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a);", "i", ("t",)),
        ("create unique index concurrently I on S.T(a)", "i", ("s", "t")),
        ('CREATE INDEX CONCURRENTLY IF NOT EXISTS "I" ON ONLY "S"."T" (a);', "I", ("S", "T")),
        ('CREATE INDEX CONCURRENTLY "a""b" ON t USING gin (x);', 'a"b', ("t",)),
        ("CREATE INDEX CONCURRENTLY i ON s . t (a);", "i", ("s", "t")),
        ("CREATE INDEX CONCURRENTLY i ON d.s.t (a);", "i", ("d", "s", "t")),
        ("CREATE /* x */ INDEX CONCURRENTLY -- y\n i /* ON z */ ON t (a);", "i", ("t",)),
        ('CREATE INDEX CONCURRENTLY "on" ON t (a);', "on", ("t",)),
        ('CREATE INDEX CONCURRENTLY "only" ON "only" (a);', "only", ("only",)),
        ('CREATE INDEX CONCURRENTLY U&"d\\0061x" ON U&"!0074" UESCAPE \'!\' (a);', "dax", ("t",)),
        ("CREATE INDEX CONCURRENTLY ON t (a);", "", ("t",)),
        ("CREATE UNIQUE INDEX CONCURRENTLY ON only t (a);", "", ("t",)),
    ],
)
def test_names_are_read_as_postgresql_reads_them(
    sql: str, name: str, table: tuple[str, ...]
) -> None:
    assert (created(sql).name, created(sql).table) == (name, table)


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("CREATE INDEX CONCURRENTLY ON t (a);", Shape(False, "btree", ("a",), 1, False)),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t USING btree (a, lower(b, ',') DESC, \"C\" ASC)"
            " INCLUDE (c, d) NULLS NOT DISTINCT WITH (fillfactor = 70) WHERE a > (1);",
            Shape(True, "btree", ("a", None, "C", "c", "d"), 3, True),
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t USING GIN ((a || b), c COLLATE x)",
            Shape(False, "gin", (None, "c"), 2, False),
        ),
    ],
)
def test_the_shape_is_what_the_catalog_shows_too(sql: str, shape: Shape) -> None:
    assert created(sql).shape == shape


@pytest.mark.parametrize(
    ("sql", "target", "name"),
    [
        ("REINDEX INDEX CONCURRENTLY i;", "index", ("i",)),
        ('REINDEX (VERBOSE, CONCURRENTLY, TABLESPACE x) TABLE "S".t;', "table", ("S", "t")),
        ("reindex (concurrently on) schema s;", "schema", ("s",)),
        ("REINDEX DATABASE CONCURRENTLY;", "database", ()),
    ],
)
def test_a_reindex_builds_copies(sql: str, target: str, name: tuple[str, ...]) -> None:
    assert build(sql) == Rebuild(target, name)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON t (a);",
        "DROP INDEX CONCURRENTLY i;",
        "REINDEX INDEX i;",
        "REINDEX (CONCURRENTLY off) INDEX i;",
        "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)';",
    ],
)
def test_others_build_none(sql: str) -> None:
    assert build(sql) is None
