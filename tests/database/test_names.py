"""Names in SQL are read as the server reads them, and so is the search_path that a section sets."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from scripts.sqltext import drops, search_path, statements

pytestmark = pytest.mark.database
SPELLINGS = [
    "plain",
    "MiXeD",
    '"MiXeD"',
    '"a""b;c"',
    '"/* no comment */"',
    "t$1",
    "Größe",
    "ÄPFEL",
    "İSTANBUL",
    '"Ünïcode"',
    r'U&"d\0061t\+000061"',
    r'u&"a\\b"',
    r"""U&"d!0061ta" /* c */ UESCAPE '!'""",
    r"""U&"a\b" UESCAPE '!'""",
    r'U&"\D83D\DE00 x""y"',
    "a" * 70,
    "é" * 40,
    '"' + "🙂" * 20 + '"',
    "cascade",
    "if",
    '"if"',
    '"order"',
    "/* a /* b */ c */ -- d\n hidden",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_is_the_one_that_the_server_creates_and_drops(database: str, spelling: str) -> None:
    create = f"CREATE TABLE {spelling} ({spelling} int, other int);"
    drop = f"DROP TABLE IF EXISTS public . {spelling}, nothing CASCADE;"
    alter = f"ALTER TABLE {spelling} DROP {spelling};"
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(create)
        cursor.execute(
            "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE relnamespace = 'public'::regnamespace AND attnum = 1"
        )
        table, column = cursor.fetchall()[0]
        cursor.execute(alter)
        cursor.execute(drop)
    (made,) = drops.made_again(statements.split(create))
    (altered,) = drops.dropped(statements.split(alter))
    gone, _ = drops.dropped(statements.split(drop))
    assert made.name == altered.object.name == (table,)
    assert altered.object.column == column
    assert gone.object.name == ("public", table)


@pytest.mark.parametrize(
    "text",
    [
        "SET search_path TO a, B, \"C\", 'D';",
        "SET LOCAL search_path = $$x y$$;",
        "SET SESSION SEARCH_PATH = 'a, b';",
        "SET SCHEMA 'core';",
        "SET search_path = '';",
        'SET search_path = "$user", public;',
    ],
)
def test_a_search_path_is_the_one_that_the_server_has(database: str, text: str) -> None:
    (statement,) = statements.split(text)
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        cursor.execute("SHOW search_path")
        shown = cursor.fetchall()[0][0]
        path = search_path.after(statement, None) or ()
        cursor.execute("SELECT set_config('search_path', %s, true)", [", ".join(map(quoted, path))])
        cursor.execute("SHOW search_path")
        assert [part.strip('"') for part in cursor.fetchall()[0][0].split(", ")] == [
            part.strip('"') for part in shown.split(", ")
        ]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
