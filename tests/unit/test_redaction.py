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


@pytest.mark.parametrize(
    "name",
    [
        "smtp_password", "smtpPassword", "apiKey", "api_key", "x-api-key", "pass", "db_pass", "pw",
        "passphrase", "Authorization", "secret", "client_secrets", "accesstoken", "refresh_token",
        "credentials", "bcrypt", "pgp_sym_encrypt", "PGPASSWORD", "jwt_secret", "user.pw",
        "app.key",
    ],
)  # fmt: skip
def test_a_word_is_telling_by_its_parts(name: str) -> None:
    sql = f"INSERT INTO a SELECT '{SECRET}' AS \"{name}\""
    assert SECRET not in redaction.statement(sql)


@pytest.mark.parametrize(
    "name",
    [
        "passed",
        "bypass",
        "compass",
        "tokenizer",
        "passenger",
        "primary_key",
        "pwned",
        "author",
    ],
)
def test_a_word_that_only_looks_like_one_is_not_telling(name: str) -> None:
    sql = f"INSERT INTO a SELECT '{SECRET}' AS \"{name}\""
    assert redaction.statement(sql) == sql


def test_a_telling_word_counts_wherever_it_stands() -> None:
    sql = f"INSERT INTO a VALUES ('{SECRET}', {'1, ' * 2000} 'password')"
    assert SECRET not in redaction.shortened(sql)
    spread = f"INSERT {' ' * 400} INTO a VALUES ('{SECRET}') -- token"
    assert SECRET not in redaction.shortened(spread)


@pytest.mark.parametrize("opening", ["'", "$$", "$x$", "E'", "/* ", '"'])
def test_what_follows_a_quote_that_is_never_closed_is_hidden(opening: str) -> None:
    assert redaction.statement(f"SELECT 1, {opening}{SECRET} and more") == "SELECT 1, '***'"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:p@{SECRET}@h/d",
        f"postgresql://u:p@x@{SECRET}@h:5432/d",
        f"postgres://u:{SECRET}@h/d",
        f"postgres://u:a/{SECRET}@h/d",
    ],
)
def test_the_password_of_a_url_ends_at_the_last_at_sign(url: str) -> None:
    assert SECRET not in redaction.masked(f"could not connect to {url} (x)")
    assert "@h" in redaction.masked(url)


def test_a_long_text_is_cut_and_a_short_one_is_on_one_line() -> None:
    assert redaction.shortened("SELECT\n  1") == "SELECT 1"
    assert redaction.shortened("x" * 500, 20) == "x" * 19 + "…"
