"""Statements that PostgreSQL runs outside a transaction only, and those that look like them."""

from __future__ import annotations

import pytest

from scripts.errors import FormatError
from scripts.files import rollback
from tests.support.texts import migration, read, refusal, shown

OUTSIDE = [
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    'create unique index concurrently if not exists "i" on t (a)',
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
    "REINDEX DATABASE",
    "REINDEX (VERBOSE) SCHEMA s",
    "VACUUM",
    "VACUUM (ANALYZE) t",
    "CREATE DATABASE d",
    "DROP DATABASE IF EXISTS d WITH (FORCE)",
    "ALTER DATABASE d SET TABLESPACE fast",
    "CREATE TABLESPACE fast LOCATION '/fast'",
    "DROP TABLESPACE fast",
    "ALTER SYSTEM SET work_mem = '64MB'",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "DISCARD ALL",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
    "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
    "ALTER SUBSCRIPTION s SET PUBLICATION p",
    "ALTER SUBSCRIPTION s DROP PUBLICATION p WITH (copy_data = false)",
    "ALTER SUBSCRIPTION s SET (failover = true)",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect, create_slot = on)",
    "REINDEX (VERBOSE on, TABLESPACE x) DATABASE d",
    "REINDEX (CONCURRENTLY 1) TABLE t",
    "REINDEX (CONCURRENTLY false) TABLE CONCURRENTLY t",
    "REINDEX (CONCURRENTLY false) SCHEMA s",
    'ALTER TABLE IF EXISTS ONLY "s"."measures" DETACH PARTITION p CONCURRENTLY',
]


@pytest.mark.parametrize("sql", OUTSIDE)
def test_it_is_refused_without_the_header_and_fine_with_it(sql: str) -> None:
    error = refusal(migration(up=f"SELECT 1;\n/* a */ {sql};"))
    shown = sql.partition("'")[0][:50]
    assert error.what.startswith(f"cannot run in a transaction: {shown}")
    assert error.line == 3
    assert error.hint == ("move it to a file of its own, with '-- Transaction: none' in the header")
    assert read(migration(up=f"{sql};", header="-- Transaction: none")).up.statements


@pytest.mark.parametrize(
    "sql",
    [
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CREATE INDEX i ON t (a)",
        "CREATE INDEX concurrently_i ON t (a)",
        'CREATE INDEX "concurrently" ON t (a)',
        "REINDEX TABLE t",
        "REINDEX (CONCURRENTLY false) TABLE t",
        "REINDEX (VERBOSE, concurrently 'off', TABLESPACE \"x\") INDEX i",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = 0)",
        "ALTER SUBSCRIPTION s SET PUBLICATION p, q WITH (refresh = false)",
        "ALTER SUBSCRIPTION s SET (slot_name = NONE)",
        "ALTER SUBSCRIPTION refresh OWNER TO bob",
        "ALTER SUBSCRIPTION s OWNER TO refresh",
        "ALTER SUBSCRIPTION s RENAME TO publication",
        "ALTER SUBSCRIPTION s SET (two_phase = true)",
        "DROP SUBSCRIPTION IF EXISTS s",
        "ALTER TABLE t DETACH PARTITION p",
        "ALTER DATABASE d SET work_mem = '1MB'",
        "CLUSTER t USING i",
        "CREATE SCHEMA vacuum",
        "COMMENT ON COLUMN t.a IS 'VACUUM; CREATE INDEX CONCURRENTLY'",
        "DO $$ BEGIN EXECUTE 'VACUUM'; END $$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'VACUUM'",
        "DISCARD TEMP",
        "ALTER SUBSCRIPTION s DISABLE",
    ],
)
def test_what_only_looks_like_one_is_fine(sql: str) -> None:
    read(migration(up=f"{sql};"))


def test_a_down_section_is_looked_at_too() -> None:
    assert shown(migration(down="-- SELECT 1;\n-- DROP INDEX CONCURRENTLY i;")) == (
        "error:  cannot run in a transaction: DROP INDEX CONCURRENTLY i;\n"
        "at:     line 5\n"
        "help:   move it to a file of its own, with '-- Transaction: none' in the header"
    )


def test_a_stored_rollback_is_looked_at_with_its_own_directives() -> None:
    rollback.parse("-- Transaction: none\nDROP INDEX CONCURRENTLY i;\n")
    with pytest.raises(FormatError, match="cannot run in a transaction"):
        rollback.parse("DROP INDEX CONCURRENTLY i;\n")
