"""The markers `-- UP` and `-- DOWN`: what is one, what only looks like one, what is missing."""

from __future__ import annotations

import pytest

from scripts.files import sections
from scripts.files.sections import Piece
from tests.support.texts import migration, read, refusal, shown, statements

TWO = "a file needs one line '-- UP', and after it one line '-- DOWN'"


@pytest.mark.parametrize(
    ("up", "down"),
    [
        pytest.param("-- UP", "-- DOWN", id="bare"),
        pytest.param("-- UP:", "-- DOWN:", id="colon"),
        pytest.param("-- UP: Apply migration", "-- DOWN: Rollback migration (for use)", id="text"),
        pytest.param("-- UP  ", "-- DOWN\t: x", id="blanks"),
        pytest.param("-- UP\r", "-- DOWN: x\r", id="crlf"),
    ],
)
def test_markers(up: str, down: str) -> None:
    parts = sections.take_apart(f"-- a\n{up}\nSELECT 1;\n{down}\nSELECT 2;\n")

    assert parts.head == ((1, "-- a"),)
    assert (parts.up.text.strip(), parts.down.text.strip()) == ("SELECT 1;", "SELECT 2;")
    assert (parts.up.line, parts.down.line) == (2, 4)


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT '\n-- DOWN\n';", id="string"),
        pytest.param("SELECT E'\\'\n-- DOWN\n';", id="escape-string"),
        pytest.param('SELECT 1 AS "\n-- DOWN: x\n";', id="identifier"),
        pytest.param("DO $$\n-- UP\n-- DOWN\nBEGIN END $$;", id="dollar-body"),
        pytest.param("/*\n-- DOWN\n/* */\n-- UP\n*/ SELECT 1;", id="block-comment"),
    ],
)
def test_a_marker_inside_something_is_not_a_marker(sql: str) -> None:
    file = read(migration(up=f"{sql}\nSELECT 2;", down="SELECT 3;"))

    assert len(file.up.statements) == 2
    assert sql in file.up.text
    assert file.down.text.strip() == "SELECT 3;"


@pytest.mark.parametrize(
    "comment",
    ["SELECT 1; -- DOWN", " -- DOWN", "-- UPDATE: all", "-- DOWNGRADE", "-- Updated: x", "-- UP2"],
)
def test_a_comment_that_only_begins_so_is_not_a_marker(comment: str) -> None:
    assert comment in read(migration(up=f"SELECT 0;\n{comment}", down="SELECT 2;")).up.text


@pytest.mark.parametrize("missing", ["UP", "DOWN"])
def test_a_missing_section_is_an_error(missing: str) -> None:
    text = "\n-- UP\nSELECT 1;\n" if missing == "DOWN" else "\n-- nothing here\n"

    assert shown(text) == (
        f"error:  there is no '-- {missing}' section\nat:     line 1\nhelp:   {TWO}"
    )


@pytest.mark.parametrize(
    ("marker", "comment"),
    [
        pytest.param("-- Down", "-- Down", id="small-letters"),
        pytest.param("--DOWN", "--DOWN", id="no-blank"),
        pytest.param("--  down: undo", "--  down: undo", id="two-blanks"),
        pytest.param("  -- DOWN: undo", "-- DOWN: undo", id="indented"),
        pytest.param("-- DOWN migration", "-- DOWN migration", id="no-colon"),
        pytest.param("-- DOWN roll it back", "-- DOWN roll it back", id="words"),
        pytest.param("-- === DOWN ===", "-- === DOWN ===", id="drawn"),
    ],
)
def test_a_nearly_right_marker_is_named(marker: str, comment: str) -> None:
    assert shown(f"-- UP\nSELECT 1;\n{marker}\nSELECT 2;\n") == (
        f"error:  there is no '-- DOWN' section; is '{comment}' meant to be its marker?\n"
        "at:     line 3\n"
        "help:   write '-- UP' or '-- DOWN' at the start of a line; text may follow after a colon, "
        "as in '-- UP: text'"
    )


@pytest.mark.parametrize("marker", ["-- Down", "--DOWN: undo", "-- up", "--  UP:"])
def test_a_nearly_right_marker_beside_both_right_ones_is_an_error(marker: str) -> None:
    assert shown(migration(up=f"CREATE TABLE t ();\n{marker}\nDROP TABLE t;")) == (
        f"error:  '{marker}' looks like a section marker but is not one\n"
        "at:     line 3\n"
        "help:   write '-- UP' or '-- DOWN' at the start of a line; text may follow after a colon, "
        "as in '-- UP: text'"
    )


@pytest.mark.parametrize("comment", ["-- up to here", "-- Down payment: 5 %", "SELECT 1; -- down"])
def test_a_comment_that_only_begins_like_a_marker_is_fine(comment: str) -> None:
    read(migration(up=f"SELECT 1;\n{comment}"))


def test_a_nearly_right_up_is_an_error_too() -> None:
    error = refusal("-- up\n-- nothing\n")

    assert error.what == "there is no '-- UP' section; is '-- up' meant to be its marker?"
    assert error.line == 1


@pytest.mark.parametrize("name", ["UP", "DOWN"])
def test_a_marker_twice_is_an_error(name: str) -> None:
    text = migration(down=f"SELECT 2;\n-- {name}: again\nSELECT 3;")
    first = 1 if name == "UP" else 3

    assert shown(text) == (
        f"error:  '-- {name}' appears twice, here and on line {first}\nat:     line 5\n"
        f"help:   {TWO}"
    )


def test_down_ahead_of_up_is_an_error() -> None:
    assert shown("-- a\n-- DOWN\nDROP TABLE t;\n-- UP\nCREATE TABLE t ();\n") == (
        "error:  '-- DOWN' comes before '-- UP', or '-- UP' is missing\n"
        f"at:     line 2\nhelp:   {TWO}"
    )


@pytest.mark.parametrize("sql", ["SELECT 1;", ";", "\\set a 1", "'x'", "$$x$$"])
def test_sql_ahead_of_up_is_an_error(sql: str) -> None:
    assert shown(f"-- Author: x\n/* b */ {sql}\n{migration()}") == (
        "error:  SQL before '-- UP' would never run\n"
        "at:     line 2\n"
        "help:   move the line '-- UP' above the first statement"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("opening", "closing", "name"),
    [
        pytest.param("COMMENT ON TABLE t IS 'it's';", "SELECT 'a;", "quoted string", id="string"),
        pytest.param('SELECT "a;', 'SELECT "b;', "quoted identifier", id="identifier"),
        pytest.param("DO $$ BEGIN;", "$$;", "dollar-quoted string", id="dollar"),
        pytest.param("/* SELECT 1;", "*/", "block comment", id="comment"),
    ],
)
@pytest.mark.parametrize("marker", ["-- DOWN", "-- DOWN: undo"])
def test_a_marker_swallowed_by_a_quote_is_an_error_at_the_quote(
    opening: str, closing: str, name: str, marker: str, end: str
) -> None:
    text = end.join(["-- UP", "SELECT 0;", opening, marker, closing, ""])

    assert shown(text) == (
        f"error:  the '-- DOWN' on line 4 is inside the {name} that begins here\n"
        "at:     line 3\n"
        "help:   check for a missing or extra quote here or above"
    )


@pytest.mark.parametrize(
    ("commented", "sql"),
    [
        pytest.param("-- DROP TABLE a;\n", "DROP TABLE a;\n", id="blank"),
        pytest.param("--DROP TABLE a;\n", "DROP TABLE a;\n", id="no-blank"),
        pytest.param("--  DROP\n--\n--   a;", " DROP\n\n  a;", id="indentation-stays"),
        pytest.param("  -- DROP a;\n\t-- b;", "DROP a;\nb;", id="indented"),
        pytest.param("-- -- note\n-- DROP a;", "-- note\nDROP a;", id="comment-in-it"),
        pytest.param("-- A;\r\n-- B;\r\n", "A;\r\nB;\r\n", id="crlf"),
        pytest.param("-- A;\r-- B;\r", "A;\rB;\r", id="lone-cr"),
        pytest.param("-- A; -- x\n\n-- B;", "A; -- x\n\nB;", id="only-the-first-sign"),
        pytest.param("-- it's -- '\n", "it's -- '\n", id="quotes"),
        pytest.param("/* why */\n-- A;", "/* why */\nA;", id="block-comment-beside"),
    ],
)
def test_a_commented_out_section_loses_one_sign_a_line(commented: str, sql: str) -> None:
    assert sections.plain(Piece(commented, 7)) == Piece(sql, 7, commented=True)


@pytest.mark.parametrize(
    "text",
    ["-- why\nDROP TABLE a;\n-- B;", "DROP TABLE a; -- x", "SELECT '\n-- a';", "-- a\n'", ""],
)
def test_sql_outside_comments_makes_a_section_plain(text: str) -> None:
    assert sections.plain(Piece(text, 1)).text == text


def test_commented_out_sql_keeps_its_lines() -> None:
    file = read(migration(down="-- DROP TABLE b;\n--\n-- -- why\n-- DROP TABLE a;"))

    assert [(s.line, s.text[s.body :]) for s in file.down.statements] == [
        (4, "DROP TABLE b;"),
        (7, "DROP TABLE a;"),
    ]


def test_a_file_with_cr_line_ends_is_read_whole() -> None:
    file = read("-- UP\rSELECT 1;\rSELECT 2;\r-- DOWN\r-- DROP a;\r-- DROP b;\r")

    assert [s.text for s in file.up.statements] == ["\rSELECT 1;", "\rSELECT 2;"]
    assert [s.text for s in file.down.statements] == ["\rDROP a;", "\rDROP b;"]


def test_a_statement_may_end_without_a_semicolon_ahead_of_a_marker() -> None:
    assert statements(migration(up="SELECT 1;\nSELECT 2")) == ["SELECT 1;", "SELECT 2\n"]
