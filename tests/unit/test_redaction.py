"""SQL and messages as they may be shown."""

from __future__ import annotations

import pytest

from scripts.sqltext import redaction

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE ROLE a PASSWORD '{SECRET}'",
        f"create role a password'{SECRET}'",
        f"ALTER USER a WITH ENCRYPTED PASSWORD\n  E'x\\'{SECRET}' VALID UNTIL '2030-01-01'",
        f"ALTER USER a PASSWORD 'it''s {SECRET}'",
        f"ALTER USER a PASSWORD $$ {SECRET} $$",
        f"ALTER USER a PASSWORD $t$ {SECRET} $$ $t$",
        f"ALTER USER a PASSWORD '{SECRET} and never closed",
        f"CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password '{SECRET}')",
        f"CREATE SUBSCRIPTION s CONNECTION 'host=h password={SECRET} dbname=d' PUBLICATION p",
        f"CREATE SUBSCRIPTION s CONNECTION 'host=h password = {SECRET} dbname=d' PUBLICATION p",
        f"SELECT dblink('postgresql://me:{SECRET}@host/db', 'SELECT 1')",
        f"SELECT dblink('postgresql://:{SECRET}@host/db', 'SELECT 1')",
        f'ALTER USER a PASSWORD "{SECRET}"',
        f"ALTER USER a PASSWORD {SECRET}",
        f"ALTER USER a PASSWORD /* x */ '{SECRET}'",
        f"ALTER USER a PASSWORD -- x\n'{SECRET}'",
        f"ALTER USER a PASSWORD U&'{SECRET}'",
        f"ALTER USER a PASSWORD 'first'\n'{SECRET}'",
        f"DO $$ BEGIN EXECUTE 'CREATE ROLE x PASSWORD ''{SECRET}'' '; END $$",
        f"DO $$ BEGIN EXECUTE format('CREATE ROLE x PASSWORD %L', '{SECRET}'); END $$",
        f"SELECT dblink('host=a password=''two {SECRET}'' user=b', 'SELECT 1')",
        f"SELECT dblink('host=a sslpassword={SECRET}', 'SELECT 1')",
        f"INSERT INTO users (name, password) VALUES ('a', '{SECRET}')",
        f'INSERT INTO settings VALUES (\'{{"password": "{SECRET}"}}\')',
        f"SELECT pgp_sym_encrypt('x', '{SECRET}')",
        f"SELECT set_config('app.key', '{SECRET}', true)",
        f"ALTER ROLE x SET app.jwt_secret = '{SECRET}'",
        f"SELECT dblink('postgresql://host/db?user=me&password={SECRET}', 'SELECT 1')",
    ],
)
def test_a_password_is_masked(text: str) -> None:
    assert SECRET not in redaction.statement(text)
    assert "***" in redaction.statement(text)
    for width in range(10, 120, 7):
        assert SECRET not in redaction.shortened(text, width)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE account (password text NOT NULL)",
        'password authentication failed for user "a"',
        "SELECT 'https://example.org/a@b'",
        "DELETE FROM categories WHERE name = 'Passing'",
        'CREATE TABLE "account" ("password" text, "accessToken" text)',
        "ALTER TABLE a ALTER COLUMN password DROP NOT NULL",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert redaction.masked(text) == text
    assert redaction.statement(text) == text


def test_an_answer_does_not_quote_what_the_statement_hides() -> None:
    said = (
        f'syntax error at or near "{SECRET}"\n'
        f"detail: Failing row contains (a, {SECRET}).\ncontext: SQL statement \"… '{SECRET}'\""
    )
    sql = f"INSERT INTO users (name, password) VALUES ('a', '{SECRET}')"
    assert SECRET not in redaction.answer(said, sql)
    assert redaction.answer(said, "SELECT 1") == said


def test_a_long_text_is_cut_and_a_short_one_is_on_one_line() -> None:
    assert redaction.shortened("SELECT\n  1") == "SELECT 1"
    assert redaction.shortened("x" * 500, 20) == "x" * 19 + "…"
