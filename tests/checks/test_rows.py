"""Which statements return rows that nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks.validation import Wanted
from tests.support.projects import findings, lay_out


def found(root: Path, statement: str) -> int:
    lay_out(root, {"001_a.sql": f"-- UP\n{statement}\n\n-- DOWN\nSELECT 1;\n"})
    return len(findings(root, wanted=Wanted(select=["unread-rows"])))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT note FROM orders;",
        "SELECT touch(id) FROM orders o JOIN users u USING (id);",
        "SELECT o.note FROM (SELECT note FROM orders) o UNION ALL SELECT 'x';",
        "SELECT note FROM orders TABLESAMPLE system (10);",
        "SELECT note FROM orders LIMIT ALL;",
        "SELECT note FROM orders LIMIT 5000000;",
        "SELECT id, count(*) FROM orders GROUP BY id;",
        "SELECT count(*) OVER () FROM orders;",
        "WITH a AS (SELECT id FROM orders) SELECT id, (SELECT max(id) FROM orders) FROM a;",
        "UPDATE orders SET note = 'x' RETURNING id;",
        "INSERT INTO orders SELECT 1 FROM users RETURNING id;",
        "TABLE orders;",
    ],
)
def test_the_rows_of_a_table_are_noted(root: Path, statement: str) -> None:
    assert found(root, statement) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1;",
        "SELECT create_partition(1);",
        "SELECT note INTO other FROM orders;",
        "SELECT note FROM orders LIMIT 1;",
        "SELECT count(*) FROM orders;",
        "SELECT setval('s', coalesce(max(id), 0) + 1) FROM orders;",
        "SELECT count(*)::int, json_object_agg(id, note) FROM orders;",
        "WITH a (id) AS (VALUES (1), (2)) SELECT id FROM a;",
        "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING id;",
        "UPDATE orders SET note = 'x';",
        "DO $$ BEGIN PERFORM note FROM orders; END $$;",
        "CREATE VIEW v AS SELECT note FROM orders;",
    ],
)
def test_few_rows_are_not(root: Path, statement: str) -> None:
    assert found(root, statement) == 0
