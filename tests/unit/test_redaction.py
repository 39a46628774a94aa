"""SQL and messages as they may be shown."""

from __future__ import annotations

import pytest

from scripts.files import redaction

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
        f"SELECT dblink('postgresql://host/db?user=me&password={SECRET}', 'SELECT 1')",
    ],
)
def test_a_password_is_masked(text: str) -> None:
    assert SECRET not in redaction.masked(text)
    assert "***" in redaction.masked(text)
    for width in range(10, 120, 7):
        assert SECRET not in redaction.shortened(text, width)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE account (password text NOT NULL)",
        'password authentication failed for user "a"',
        "SELECT 'https://example.org/a@b'",
        "ALTER TABLE a ALTER COLUMN password DROP NOT NULL",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert redaction.masked(text) == text


def test_a_long_text_is_cut_and_a_short_one_is_on_one_line() -> None:
    assert redaction.shortened("SELECT\n  1") == "SELECT 1"
    assert redaction.shortened("x" * 500, 20) == "x" * 19 + "…"
