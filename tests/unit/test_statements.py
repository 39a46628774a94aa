"""Statements: what they hold, where they begin, and that splitting loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.sqltext import lexer, statements
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

WHOLE = (
    "SELECT 1",
    "SELECT 'it''s; fine', E'it\\'s; fine', \"a;\"\"b\"",
    "SELECT E'a'\n'\\';'",
    "SELECT 'C:\\', U&'\\0061;', B'01', X'1F'",
    "DO $$ BEGIN NULL; END $$",
    "DO $tag$ $$;$$ 'open $tag$",
    "SELECT a$x$, $1, 100 % 3, :name, j #>> '{a}'",
    "/* a; /* b; */ c; */ SELECT 2 -- it's;\n, 3",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
    "INSERT INTO préférences VALUES ('日本;😀')",
    "GRANT SELECT ON t TO PUBLIC",
)
BEFORE = ("\n", " ", "\r\n", "\n-- it's; a comment\n", "/* a; comment */", "\n;;\n", "\f\t")
AFTER = ("", "\n", " -- it's; a comment\n", "/* a; comment */")
# The letters that can open or close something, so that random text opens and closes a lot.
PIECES = [
    *("'", '"', "$$", "$a$", "$1", "\\", "--", "/*", "*/", "(", ")", ";", "\n", "\r", " ", "e"),
    *("E'", "U&'", "BEGIN", "END", "CASE", "CREATE FUNCTION f", "a", "é", "1", "#", "%", ":x"),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
BOUNDED = settings(max_examples=60, derandomize=True, database=None, deadline=None)
others = st.lists(st.sampled_from(WHOLE), max_size=4)


def one(text: str, first_line: int = 1) -> Statement:
    (statement,) = statements.split(text, first_line)
    return statement


def walk(text: str) -> tuple[list[Statement], int | None]:
    """Split as far as that goes: the statements, and where an open quote begins."""
    found: list[Statement] = []
    try:
        found.extend(statements.split(text, first_line=7))
    except lexer.UnterminatedError as error:
        return found, error.start
    return found, None


@BOUNDED
@given(SOUP)
def test_joining_the_statements_and_the_rest_gives_the_text_back(text: str) -> None:
    found, stopped = walk(text)
    joined = "".join(statement.text for statement in found)

    assert text.startswith(joined)
    rest = {token.kind for token in lexer.tokens(text, len(joined), stopped)}
    if stopped is None:
        assert rest <= {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT, Kind.SEMICOLON}
    else:
        assert len(joined) <= stopped


@BOUNDED
@given(SOUP)
def test_a_statement_is_on_the_line_of_its_first_word(text: str) -> None:
    place = 0
    for statement in walk(text)[0]:
        first_word = place + statement.body
        assert statement.line == 7 + text.count("\n", 0, first_word)
        assert text[first_word] not in " \t\r\n;"
        place += len(statement.text)


@BOUNDED
@given(others, st.sampled_from(WHOLE), others, st.sampled_from(BEFORE), st.sampled_from(AFTER))
def test_a_statement_between_others_comes_out_whole(
    before: list[str], wanted: str, after: list[str], gap: str, end: str
) -> None:
    pieces = [f"{gap}{piece}{end};" for piece in [*before, wanted, *after]]

    assert [statement.text for statement in statements.split("".join(pieces))] == pieces


@BOUNDED
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_in_quotes_stays_one_statement(content: str) -> None:
    quoted = content.replace("'", "''")
    named = content.replace('"', '""')
    pieces = [f"SELECT '{quoted}';", f'SELECT "{named}";']
    if "$q$" not in content and not content.endswith(("$", "$q")):
        pieces.append(f"SELECT $q${content}$q$;")

    assert [s.text for s in statements.split("".join(pieces))] == pieces


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("create Table users (id int)", ("CREATE", "TABLE", "USERS"), id="capitals"),
        pytest.param('DROP TABLE "users"', ("DROP", "TABLE"), id="no-quoted-names"),
        pytest.param("SELECT (a, b) c", ("SELECT", "C"), id="none-in-parentheses"),
        pytest.param("/* x */ -- y\nVACUUM", ("VACUUM",), id="none-in-comments"),
        pytest.param(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON b USING btree (c)",
            ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "IF", "NOT", "EXISTS", "A"),
            id="the-first-eight",
        ),
    ],
)
def test_leading_words(text: str, words: tuple[str, ...]) -> None:
    assert one(text).words == words
    assert one(text).command == words[0]


def test_a_statement_without_a_word_has_no_command() -> None:
    assert one("'a';").command == ""


def test_a_statement_knows_whether_it_was_ended() -> None:
    first, last = statements.split("SELECT 1; SELECT 2 -- end\n")

    assert (first.ended, last.ended) == (True, False)
    assert last.text == " SELECT 2 -- end\n"


@pytest.mark.parametrize(
    ("text", "unclosed"),
    [
        pytest.param("SELECT (1;\nSELECT 2;", "(", id="parenthesis"),
        pytest.param("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2;", "BEGIN", id="begin"),
        pytest.param("SELECT 1);", "", id="closed-once-too-often"),
    ],
)
def test_what_a_statement_leaves_open(text: str, unclosed: str) -> None:
    assert one(text).unclosed == unclosed


def test_lines_count_from_the_first_line_given() -> None:
    text = "\n\n-- comment\nSELECT 1,\n'two\nlines'; SELECT 2;\n\n/* a\nb */ SELECT 3;"

    assert [s.line for s in statements.split(text, first_line=10)] == [13, 15, 18]


def test_crlf_is_one_line_break() -> None:
    assert [s.line for s in statements.split("SELECT 1;\r\n\r\nSELECT 2;\r\n")] == [1, 3]


def test_a_place_in_a_statement_has_a_line() -> None:
    statement = one("\n\n-- c\nSELECT 1,\n  2,\n  oops;")

    assert statement.line_at(statement.text.index("oops")) == 6
    assert statement.line_at(0) == statement.line == 4


def test_a_summary_is_one_line() -> None:
    assert one("-- c\nSELECT\n\t1,\n\n  2;").summary() == "SELECT 1, 2;"


def test_a_summary_is_cut_to_its_width() -> None:
    cut = one(f"SELECT {'1, ' * 200} 2;").summary(20)

    assert len(cut) == 20
    assert cut == "SELECT 1, 1, 1, 1, …"


def test_a_summary_that_leaves_something_out_says_so() -> None:
    assert one(f"SELECT{' ' * 500}1;").summary() == "SELECT…"


def test_statements_ahead_of_an_open_quote_are_given_out() -> None:
    walk = statements.split("COPY t FROM STDIN;\n1\tO'Brien\n\\.\n")

    assert next(walk).text == "COPY t FROM STDIN;"
    with pytest.raises(lexer.UnterminatedError):
        next(walk)


def test_a_million_characters_are_split_in_linear_time() -> None:
    row = "INSERT INTO t VALUES (1, 'it''s', E'\\'', $$;$$); -- c\n"
    assert sum(1 for _ in statements.split(row * 1000)) == 1000
    for opening in ("/* ", "((((", "$a$a", "E'a'\n--c\n", "x''", "1e", "$$$$ "):
        try:
            assert sum(1 for _ in statements.split(opening * 5000)) <= 1
        except lexer.UnterminatedError:
            continue


@pytest.mark.parametrize("length", [0, 1, 254, 255, 256, 257, 100_000])
@pytest.mark.parametrize("inside", ["", "''", ";''", "''''", '";--'])
def test_a_string_of_any_length_ends_at_its_quote(length: int, inside: str) -> None:
    string = f"'{inside}{'x' * length}{inside}{'y' * length}{inside}'"
    found = [one.text for one in statements.split(f"SELECT {string};SELECT {string}||'b';")]
    assert found == [f"SELECT {string};", f"SELECT {string}||'b';"]


@pytest.mark.parametrize("text", ["'", "'x", "'''", "'''''", "'x''", f"'{'x' * 300}''"])
def test_a_string_without_an_end_is_said(text: str) -> None:
    with pytest.raises(lexer.UnterminatedError) as caught:
        list(statements.split(f"SELECT {text}"))
    assert caught.value.start == len("SELECT ")


@pytest.mark.parametrize("name", ["function$x", "functions", "procedure_of"])
def test_a_name_that_begins_like_a_routine_is_none(name: str) -> None:
    assert len(list(statements.split(f"CREATE {name} BEGIN ; SELECT 1;"))) == 2
