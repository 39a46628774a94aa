"""Which INSERTs add the rows that they show, and do nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.engine.execution import batches
from scripts.sqltext import lexer, statements
from scripts.sqltext.statements import Splitter, Statement


def table(sql: str) -> tuple[str, ...] | None:
    [statement] = statements.split(sql)
    return batches._table(statement)


def token_by_token(sql: str) -> list[Statement]:
    """Split a text without the way that is shorter for INSERTs."""
    splitter = Splitter(sql, 0, 1)
    found = [splitter.feed(token) for token in lexer.tokens(sql)]
    return [one for one in (*found, splitter.rest(len(sql))) if one]


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


PARTS = (
    "INSERT INTO t VALUES (1);",
    "insert into \"A b\".t (a, b) values ('x;', -1.5), (NULL, 'it''s') on conflict do nothing;",
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING\n;",
    "INSERT INTO t VALUES ('nothing');",
    "INSERT INTO t VALUES ('a'\n'b');",
    "INSERT INTO t VALUES (now());",
    "INSERT INTO t VALUES (E'\\'');",
    "/* INSERT INTO t VALUES (1); */",
    "-- INSERT INTO t VALUES (1);\n",
    "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC INSERT INTO t VALUES (1);",
    "END;",
    "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO u VALUES (1);",
    "INSERT INTO v VALUES (2));",
    "EXPLAIN",
    "SELECT $$ ; $$",
    ";",
    "(",
    " \n",
    "\ufeff",
)


@settings(max_examples=500, derandomize=True)
@given(st.lists(st.sampled_from(PARTS), max_size=8))
def test_a_text_is_split_as_it_is_token_by_token(parts: list[str]) -> None:
    sql = " ".join(parts)
    assert list(statements.split(sql)) == token_by_token(sql)
