"""What a section drops, renames and creates, read off its text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.sqltext import drops, statements
from scripts.sqltext.lexer import UnterminatedError
from scripts.sqltext.targets import Object


def dropped(sql: str) -> list[Object]:
    return [drop.object for drop in drops.dropped(statements.split(sql))]


def made(sql: str) -> set[Object]:
    return set(drops.made_again(statements.split(sql)))


def renamed(sql: str) -> list[Object]:
    return list(drops.renamed(statements.split(sql)))


def column(name: str, *table: str) -> Object:
    return Object("column", table, name)


@pytest.mark.parametrize(
    ("sql", "kind", "names"),
    [
        ("DROP TABLE t;", "table", [("t",)]),
        ("drop table if exists T", "table", [("t",)]),
        (
            'DROP TABLE a, b.c, "D"."e", x.y.z CASCADE;',
            "table",
            [("a",), ("b", "c"), ("D", "e"), ("x", "y", "z")],
        ),
        ("DROP FOREIGN TABLE IF EXISTS f;", "table", [("f",)]),
        ("DROP SEQUENCE a . b , c;", "sequence", [("a", "b"), ("c",)]),
        ("DROP SCHEMA IF EXISTS s CASCADE;", "schema", [("s",)]),
        ("DROP TYPE mood;", "type", [("mood",)]),
        ("DROP DOMAIN public.email RESTRICT;", "type", [("public", "email")]),
        ("DROP VIEW v;", "view", [("v",)]),
        ("DROP MATERIALIZED VIEW IF EXISTS v;", "materialized view", [("v",)]),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i, j;", "index", [("s", "i"), ("j",)]),
        (
            'DROP EXTENSION IF EXISTS "uuid-ossp", citext;',
            "extension",
            [("uuid-ossp",), ("citext",)],
        ),
        ("DROP FUNCTION f(int, text DEFAULT 'a,b'), s.g();", "function", [("f",), ("s", "g")]),
        ("DROP PROCEDURE p;", "function", [("p",)]),
        ("DROP AGGREGATE a(*), b(float8 ORDER BY int) CASCADE;", "function", [("a",), ("b",)]),
        ("DROP ROUTINE IF EXISTS r(numeric(10, 2));", "function", [("r",)]),
        (
            "DROP/* a /* nested */ TABLE x; */TABLE-- y;\n t -- , u\n , /*z*/ v;",
            "table",
            [("t",), ("v",)],
        ),
        ('DROP TABLE "a""b;c";', "table", [('a"b;c',)]),
        ('DROP TABLE "IF";', "table", [("IF",)]),
        ("DROP TABLE if;", "table", [("if",)]),
        ("DROP TABLE cascade;", "table", [("cascade",)]),
        ("DROP TABLE Größe, ÄPFEL;", "table", [("größe",), ("Äpfel",)]),
        ('DROP TABLE "t$1", t$1;', "table", [("t$1",), ("t$1",)]),
        (r'DROP TABLE U&"d\0061t\+000061", u&"s\\";', "table", [("data",), ("s\\",)]),
        (r'DROP TABLE U&"d!0061ta" UESCAPE ' "'!', b;", "table", [("data",), ("b",)]),
        (r'DROP TABLE U&"\D83D\DE00"."x""y";', "table", [("\N{GRINNING FACE}", 'x"y')]),
        (r'DROP TABLE U&"\D83D";', "table", [(r"\D83D",)]),
        (r'DROP TABLE U&"\+FFFFFF";', "table", [(r"\+FFFFFF",)]),
        (f"DROP TABLE {'a' * 70}, {'é' * 40};", "table", [("a" * 63,), ("é" * 31,)]),
    ],
)
def test_a_drop_names_what_the_server_would_drop(
    sql: str, kind: str, names: list[tuple[str, ...]]
) -> None:
    assert dropped(sql) == [Object(kind, name) for name in names]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE t DROP COLUMN c;", [column("c", "t")]),
        ("ALTER TABLE t DROP c;", [column("c", "t")]),
        ("ALTER TABLE IF EXISTS ONLY s.t * DROP IF EXISTS c CASCADE;", [column("c", "s", "t")]),
        ("ALTER TABLE ONLY (t) DROP c;", [column("c", "t")]),
        ("ALTER FOREIGN TABLE t DROP COLUMN IF EXISTS c;", [column("c", "t")]),
        (
            "ALTER TABLE t ADD x numeric(1, 2) DEFAULT f(1, 2), DROP a, ALTER b DROP DEFAULT,\n"
            '  DROP CONSTRAINT IF EXISTS c, DROP /* , DROP z */ COLUMN "D", DROP e RESTRICT;',
            [column("a", "t"), column("D", "t"), column("e", "t")],
        ),
        ('ALTER TABLE t DROP "constraint";', [column("constraint", "t")]),
        (
            'ALTER TABLE t DROP COLUMN "column", DROP COLUMN if;',
            [column("column", "t"), column("if", "t")],
        ),
        (r'ALTER TABLE t DROP COLUMN U&"\0063";', [column("c", "t")]),
        ("ALTER TABLE t DROP exclude;", [column("exclude", "t")]),
        ("ALTER TABLE t DROP CONSTRAINT c;", []),
        ("ALTER TABLE t ALTER COLUMN c DROP NOT NULL;", []),
        ("ALTER TABLE t ALTER c DROP IDENTITY IF EXISTS, ALTER d DROP EXPRESSION;", []),
        ("ALTER TABLE t ADD c text DEFAULT 'x, DROP d';", []),
        ("ALTER TABLE t ADD c text DEFAULT $a$, DROP d$a$;", []),
        ("ALTER TYPE t DROP ATTRIBUTE a;", []),
        ("ALTER DOMAIN d DROP CONSTRAINT c;", []),
    ],
)
def test_alter_table_drops_the_columns_of_all_its_actions(sql: str, expected: list[Object]) -> None:
    assert dropped(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER t ON u;",
        "DROP OWNED BY app;",
        "DROP",
        "DROP TABLE",
        "DROP TABLE ;",
        "DROP TABLE a.b.c.d;",
        "DROP TABLE 'a';",
        "ALTER TABLE",
        "ALTER TABLE t DROP",
        "ALTER TABLE t DROP COLUMN ;",
        '"x" DROP TABLE t;',
        "DELETE FROM t WHERE a = 'DROP TABLE t';",
        "DO $$ BEGIN DROP TABLE t; END $$;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DROP TABLE t; END;",
        "-- DROP TABLE t;",
    ],
)
def test_what_drops_nothing_that_can_be_named(sql: str) -> None:
    assert dropped(sql) == []


def test_a_drop_knows_its_line_and_its_cascade() -> None:
    sql = "SELECT 1;\n\nDROP TABLE a,\n  b CASCADE;\nALTER TABLE t\n  DROP c,\n  DROP d CASCADE;"
    found = drops.dropped(statements.split(sql, first_line=10))
    assert [
        (drop.object.column or drop.object.name[0], drop.line, drop.cascade) for drop in found
    ] == [
        ("a", 12, True),
        ("b", 13, True),
        ("c", 15, False),
        ("d", 16, True),
    ]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", None),
        ("SET search_path TO a, \"B\", 'C';", ("a", "B", "C")),
        ('set local SEARCH_PATH = "$user", public;', ("$user", "public")),
        ("SET SESSION search_path = $$core$$;", ("core",)),
        ('SET "search_path" = A;', ("a",)),
        ("SET search_path = '';", ("",)),
        ("SET SCHEMA 'core';", ("core",)),
        ("SET search_path = a; SET search_path = b;", ("b",)),
        ("SET search_path = a; SET lock_timeout = '1s'; RESET lock_timeout;", ("a",)),
        ("SET search_path = a; RESET search_path;", None),
        ("SET search_path = a; RESET ALL;", None),
        ("SET search_path = a; SET LOCAL search_path TO DEFAULT;", None),
        ("SET work_mem = '1MB';", None),
    ],
)
def test_a_drop_knows_the_search_path_that_its_section_has_set(
    sql: str, expected: tuple[str, ...] | None
) -> None:
    (drop,) = drops.dropped(statements.split(f"{sql} DROP TABLE t; SET search_path = late;"))
    assert drop.search_path == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE t (id int);", {Object("table", ("t",))}),
        ("CREATE UNLOGGED TABLE IF NOT EXISTS s.T AS SELECT 1;", {Object("table", ("s", "t"))}),
        ("CREATE FOREIGN TABLE f (a int) SERVER s;", {Object("table", ("f",))}),
        ("CREATE SEQUENCE IF NOT EXISTS q;", {Object("sequence", ("q",))}),
        ("CREATE SCHEMA IF NOT EXISTS s AUTHORIZATION app;", {Object("schema", ("s",))}),
        ("CREATE SCHEMA AUTHORIZATION app;", {Object("schema", ("app",))}),
        ("CREATE TYPE mood AS ENUM ('a');", {Object("type", ("mood",))}),
        ("CREATE DOMAIN email AS text;", {Object("type", ("email",))}),
        ("CREATE OR REPLACE RECURSIVE VIEW v (a) AS SELECT 1;", {Object("view", ("v",))}),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1;", {Object("materialized view", ("v",))}),
        ("CREATE OR REPLACE FUNCTION s.f() RETURNS int AS 'x';", {Object("function", ("s", "f"))}),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON s.t (a);", {Object("index", ("s", "i"))}),
        ("CREATE INDEX i ON ONLY t (a);", {Object("index", ("i",))}),
        ("CREATE EXTENSION citext;", {Object("extension", ("citext",))}),
        (
            'ALTER TABLE t ADD a int, ADD COLUMN IF NOT EXISTS "B" int;',
            {column("a", "t"), column("B", "t")},
        ),
        (
            "ALTER TABLE t ADD exclude int, ADD EXCLUDE USING gist (c WITH &&);",
            {column("exclude", "t")},
        ),
        ("ALTER TABLE s.t RENAME TO u;", {Object("table", ("s", "u"))}),
        ("ALTER TABLE s.t SET SCHEMA r;", {Object("table", ("r", "t"))}),
        ("ALTER TABLE t RENAME a TO b;", {column("b", "t")}),
    ],
)
def test_what_a_section_makes(sql: str, expected: set[Object]) -> None:
    assert made(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TEMP TABLE t (id int);",
        "CREATE LOCAL TEMPORARY TABLE t (id int);",
        "CREATE INDEX ON t (a);",
        "CREATE",
        "CREATE TABLE",
        "CREATE ROLE r;",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0), ADD PRIMARY KEY (a), ADD NOT NULL a;",
        "ALTER TABLE t ADD UNIQUE (a), ADD FOREIGN KEY (a) REFERENCES b, ADD EXCLUDE (a WITH =);",
        "DO $$ BEGIN CREATE TABLE t (id int); END $$;",
    ],
)
def test_what_makes_nothing_that_stays(sql: str) -> None:
    assert made(sql) == set()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE t RENAME TO u;", [Object("table", ("t",))]),
        ('ALTER TABLE IF EXISTS ONLY s."T" RENAME TO u;', [Object("table", ("s", "T"))]),
        ("ALTER FOREIGN TABLE t SET SCHEMA x;", [Object("table", ("t",))]),
        ("ALTER TABLE t SET SCHEMA s;", [Object("table", ("t",))]),
        ("ALTER SEQUENCE q RENAME TO r;", [Object("sequence", ("q",))]),
        ("ALTER SCHEMA s RENAME TO r;", [Object("schema", ("s",))]),
        ("ALTER TYPE a RENAME TO b;", [Object("type", ("a",))]),
        ("ALTER DOMAIN a SET SCHEMA b;", [Object("type", ("a",))]),
        ("ALTER FUNCTION f(int, text) RENAME TO g;", [Object("function", ("f",))]),
        ("ALTER MATERIALIZED VIEW IF EXISTS v RENAME TO w;", [Object("materialized view", ("v",))]),
        ("ALTER TABLE t RENAME COLUMN a TO b;", [column("a", "t")]),
        ("ALTER VIEW v RENAME a TO b;", [column("a", "v")]),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b;", []),
        ("ALTER TYPE t RENAME VALUE 'a' TO 'b';", []),
        ("ALTER TYPE t RENAME ATTRIBUTE a TO b;", []),
        ("ALTER TABLE t SET TABLESPACE s;", []),
        ("ALTER TABLE t ALTER a SET DEFAULT 1;", []),
        ("ALTER ROLE r RENAME TO s;", []),
        ("ALTER TABLE t RENAME", []),
    ],
)
def test_what_loses_its_name(sql: str, expected: list[Object]) -> None:
    assert renamed(sql) == expected


_PIECES = st.sampled_from(
    [
        *("DROP", "ALTER", "CREATE", "TABLE", "COLUMN", "IF", "EXISTS", "ONLY", "RENAME", "TO"),
        *("SET", "SCHEMA", "search_path", "ADD", "FUNCTION", "INDEX", "ON", "UESCAPE", "CASCADE"),
        *("U&", "u", '"a"', 'U&"\\D83D"', "'!'", "$$x$$", "E'\\''", "(", ")", ",", ".", "=", "*"),
        *(";", " ", "\n", "/*c*/", "--d\n", "x", "é", "1"),
    ]
)


@given(
    st.one_of(
        st.text(),
        st.lists(_PIECES, max_size=25).map("".join),
        st.lists(_PIECES, max_size=25).map(" ".join),
    )
)
def test_any_text_that_can_be_split_can_be_read(text: str) -> None:
    with contextlib.suppress(UnterminatedError):
        found = list(statements.split(text))
        for drop in drops.dropped(found):
            assert 1 <= len(drop.object.name) <= 3
        drops.made_again(found)
        drops.renamed(found)
