"""SQL that can't be run from a migration file: the message, the line, the way out."""

from __future__ import annotations

import pytest

from tests.support.texts import migration, read, refusal, shown


@pytest.mark.parametrize(
    ("sql", "command", "line", "instead"),
    [
        pytest.param("\\i other.sql", "\\i", 2, "paste the SQL", id="include"),
        pytest.param("\\i it's.sql", "\\i", 2, "paste the SQL", id="include-with-an-apostrophe"),
        pytest.param("\\copy t FROM 'f'", "\\copy", 2, "write the rows as INSERT", id="copy"),
        pytest.param("\\connect auth;", "\\connect", 2, "remove it: the run", id="connect"),
        pytest.param("SELECT 1;\n\\set x '1;2'", "\\set", 3, "write the values", id="set"),
        pytest.param("\\if :x", "\\if", 2, "write the condition in a DO block", id="condition"),
        pytest.param(
            "SELECT 1,\n  2 \\gset", "\\gset", 3, "end the statement", id="behind-a-query"
        ),
        pytest.param("SELECT 1 \\; SELECT 2;", "\\;", 2, "remove it, or", id="semicolon"),
        pytest.param("SELECT 1;\n\\", "\\", 3, "remove it, or", id="alone"),
        pytest.param("SELECT (\n\\echo (\n1);", "\\echo", 3, "remove it, or", id="in-parentheses"),
    ],
)
def test_a_command_of_psql_is_refused_with_what_to_write(
    sql: str, command: str, line: int, instead: str
) -> None:
    assert shown(migration(up=sql)).startswith(
        f"error:  '{command}' is a command of psql, not SQL\nat:     line {line}\nhelp:   {instead}"
    )


@pytest.mark.parametrize(
    "sql",
    ["SELECT '\\i a';", "SELECT $$\\d$$;", "SELECT E'\\\\';", "SELECT 1; -- \\d t", '/*\\*/ "\\";'],
)
def test_a_backslash_in_quotes_and_comments_is_fine(sql: str) -> None:
    assert sql in read(migration(up=f"SELECT 0;\n{sql}")).up.text


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("COPY t FROM STDIN;\n1\t2\n\\.", id="data"),
        pytest.param("COPY t FROM STDIN;\n1\tO'Brien\n\\.", id="apostrophe-in-the-data"),
        pytest.param("copy t (a, b)\nfrom stdin with (format csv);\n1,(\n\\.", id="csv"),
        pytest.param('COPY "t" FROM /* here */ stdin;\n$$\n\\.', id="dollars-in-the-data"),
        pytest.param("COPY (SELECT 1) TO STDOUT;", id="to-the-client"),
    ],
)
def test_copy_with_the_client_is_refused(sql: str) -> None:
    assert shown(migration(up=f"SELECT 0;\n{sql}\nSELECT 2;")) == (
        "error:  COPY FROM STDIN and COPY TO STDOUT do not work in a migration file\n"
        "at:     line 3\n"
        "help:   write the rows as INSERT INTO … VALUES …"
    )


def test_copy_data_whose_apostrophe_swallows_the_marker_is_named_for_what_it_is() -> None:
    error = refusal(migration(up="COPY t FROM STDIN;\n1\tO'Brien\n\\.", down="SELECT 'a';"))

    assert error.what == "COPY FROM STDIN and COPY TO STDOUT do not work in a migration file"
    assert error.line == 2


@pytest.mark.parametrize("sql", ["SET {} = off;", "SET LOCAL {} TO 'off';", "set session {} to 0;"])
def test_strings_with_backslashes_of_old_are_refused(sql: str) -> None:
    assert shown(migration(up=f"SELECT 0;\n{sql.format('standard_conforming_strings')}")) == (
        "error:  standard_conforming_strings = off changes where strings with backslashes end\n"
        "at:     line 3\n"
        "help:   remove the setting, and write strings with backslashes as E'…'"
    )


def test_what_pg_dump_writes_about_strings_is_fine() -> None:
    read(migration(up="SET standard_conforming_strings = on;"))


def test_copy_on_the_server_is_fine() -> None:
    read(migration(up="COPY t FROM '/srv/STDIN.csv'; COPY t TO PROGRAM 'gzip > stdout';"))


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN;",
        "begin work isolation level serializable;",
        "BEGIN TRANSACTION",
        "COMMIT;",
        "/* x */ commit and chain;",
        "COMMIT PREPARED 'a';",
        "ROLLBACK;",
        "ROLLBACK WORK;",
        "ROLLBACK AND NO CHAIN;",
        "ROLLBACK PREPARED 'a';",
        "ABORT;",
        "END;",
        "END TRANSACTION;",
        "START TRANSACTION READ ONLY;",
        "start /* x */ transaction;",
        "PREPARE TRANSACTION 'a';",
        ";;BEGIN;",
    ],
)
@pytest.mark.parametrize("header", ["", "-- Transaction: none"])
def test_transaction_control_is_refused(sql: str, header: str) -> None:
    text = migration(up=f"SELECT 1;\n{sql}", header=header)
    error = refusal(text)

    assert error.what.endswith(" is not allowed: each run manages its own transactions")
    assert text.splitlines()[error.line - 1] == sql
    assert error.hint == (
        "remove it: each file runs in one transaction; "
        "'-- Transaction: none' in the header runs each statement by itself"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SAVEPOINT a;",
        "RELEASE SAVEPOINT a;",
        "ROLLBACK TO SAVEPOINT a;",
        "ROLLBACK TO a;",
        "rollback work to savepoint a;",
        "ROLLBACK TRANSACTION TO a;",
        "PREPARE p AS SELECT 1;",
        "DO $$ BEGIN COMMIT; END $$;",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; END;",
        "SELECT 'BEGIN;';",
        'CREATE TABLE "BEGIN" ();',
        "COMMENT ON TABLE commit IS 'x';",
    ],
)
def test_what_stays_inside_the_transaction_is_fine(sql: str) -> None:
    (statement,) = read(migration(up=sql)).up.statements

    assert statement.text == f"\n{sql}"


@pytest.mark.parametrize(
    ("sql", "opened", "line"),
    [
        pytest.param("SELECT 0;\nSELECT (1;\nSELECT 2;", "(", 3, id="parenthesis"),
        pytest.param("CREATE TABLE t (\n  a int;\nSELECT 2;", "(", 2, id="create-table"),
        pytest.param(
            "CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC SELECT 1;\nSELECT 2;", "BEGIN", 2, id="b"
        ),
    ],
)
def test_what_is_never_closed_is_refused(sql: str, opened: str, line: int) -> None:
    assert shown(migration(up=sql)) == (
        f"error:  '{opened}' is never closed in the statement that begins here\n"
        f"at:     line {line}\n"
        "help:   close it: everything after it is read as part of this statement"
    )


@pytest.mark.parametrize(
    ("sql", "name", "line"),
    [
        pytest.param("SELECT 'a;\nSELECT 2;", "quoted string", 2, id="string"),
        pytest.param("SELECT\n E'C:\\';", "quoted string", 3, id="escape-string"),
        pytest.param("SELECT E'a'\n'b\\';", "quoted string", 2, id="escape-string-continued"),
        pytest.param("INSERT INTO t VALUES\n('it's');", "quoted string", 3, id="in-parentheses"),
        pytest.param('SELECT 1;\nSELECT "a;', "quoted identifier", 3, id="identifier"),
        pytest.param("DO $a$ BEGIN END $b$;", "dollar-quoted string", 2, id="dollar-quote"),
        pytest.param("SELECT 1 /* /* */;", "block comment", 2, id="block-comment"),
        pytest.param(
            "CREATE FUNCTION f() BEGIN ATOMIC\nSELECT 'a; END;", "quoted string", 3, id="in-a-body"
        ),
    ],
)
def test_an_open_quote_is_refused_where_it_begins(sql: str, name: str, line: int) -> None:
    assert shown(migration(up=sql)) == (
        f"error:  this {name} is never closed\n"
        f"at:     line {line}\n"
        "help:   check for a missing or extra quote here or above"
    )


@pytest.mark.parametrize(
    "down",
    [
        "BEGIN;",
        "-- BEGIN;",
        "-- \\i a.sql",
        "-- SELECT it's;",
        "-- COPY t FROM STDIN;",
        "-- DROP (;",
    ],
)
def test_down_is_checked_as_up_is(down: str) -> None:
    assert refusal(migration(down=f"\n{down}")).line == 5
