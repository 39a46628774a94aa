"""Comments and white space make no other SQL; all else does."""

from __future__ import annotations

import pytest

from scripts.files import equivalence, sections
from scripts.files.migration_file import Section, section
from scripts.files.sections import Piece


def parsed(sql: str) -> Section:
    return section(Piece(sql, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a = 1 , b -- x\n FROM t", "SELECT a=1,b FROM t"),
        ("SELECT f ( x ) :: int", "SELECT f(x)::int"),
        ("SELECT 'a' -- c\n 'b'", "SELECT 'a'\n'b'"),
        ("SELECT/**/1", "SELECT 1"),
        ("SELECT 1; SELECT 2", "SELECT 1;\n\n-- more\nSELECT 2;"),
        ("/* a /* b */ */ SELECT 1", "SELECT 1"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert equivalence.words(parsed(one)) == equivalence.words(parsed(other))
    assert equivalence.first_change(parsed(one), parsed(other)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT 1 - -1", "SELECT 1 -1"),
        ("SELECT 'a'\n'b'", "SELECT 'a' 'b'"),
        ("SELECT E 'a'", "SELECT E'a'"),
        ("SELECT U&'a'", "SELECT U& 'a'"),
        ("SELECT a < -1", "SELECT a <-1"),
        ("SELECT 1 .5", "SELECT 1.5"),
        ("SELECT 1/*a*/2", "SELECT 12"),
        ("SELECT 'a  b'", "SELECT 'a b'"),
        ("SELECT $$ a $$", "SELECT $$ a  $$"),
        ('SELECT "a" "b"', 'SELECT "a""b"'),
        ("SELECT '--'", "SELECT ''"),
        ("SELECT a", "SELECT A"),
        ("SELECT 1; SELECT 2", "SELECT 1"),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert equivalence.words(parsed(one)) != equivalence.words(parsed(other))
    assert equivalence.first_change(parsed(one), parsed(other)) == 1


def test_the_first_statement_that_was_changed_is_named() -> None:
    before = parsed("SELECT 1;\nSELECT 2;\nSELECT 3;")
    now = parsed("-- new\nSELECT 1;\nSELECT 2;\nSELECT 4;")
    assert equivalence.first_change(before, now) == 4


def test_a_down_says_the_same_whether_it_is_commented_out_or_not() -> None:
    commented = sections.plain(Piece("-- DROP TABLE t;\n", 1, commented=True))
    assert equivalence.words(section(commented)) == equivalence.words(parsed("DROP TABLE t"))
