"""Which INSERTs add the rows that they show, and do nothing else."""

from __future__ import annotations

import pytest

from scripts.sqltext import plain_insert, statements


def table(sql: str) -> tuple[str, ...] | None:
    [statement] = statements.split(sql)
    return plain_insert.table(statement)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("INSERT INTO t VALUES (1);", ("t",)),
        ("insert into S.T (a, \"b\") values (1, 'it''s; --'), (-2.5e3, NULL);", ("s", "t")),
        ("/* x */ INSERT INTO d.s.t VALUES (DEFAULT, true);", ("d", "s", "t")),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;", ("t",)),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a, b) DO NOTHING ;", ("t",)),
        ('INSERT INTO "a""b" VALUES\n(1),\n(2);', ('a"b',)),
    ],
)
def test_a_plain_one_has_its_table(sql: str, name: tuple[str, ...]) -> None:
    assert table(sql) == name


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",  # without an end, nothing can follow
        "INSERT INTO t VALUES (now());",
        "INSERT INTO t VALUES (E'a\\'b');",
        "INSERT INTO t VALUES ('a\\');",
        "INSERT INTO t VALUES (1::int);",
        "INSERT INTO t VALUES (1 /* x */);",
        "INSERT INTO t VALUES ($a$ x $a$);",
        "INSERT INTO t SELECT 1;",
        "INSERT INTO t VALUES (1) RETURNING id;",
        "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1;",
        "INSERT INTO t DEFAULT VALUES;",
        "WITH a AS (SELECT 1) INSERT INTO t VALUES (1);",
        "UPDATE t SET a = 1;",
    ],
)
def test_any_other_has_none(sql: str) -> None:
    assert table(sql) is None
