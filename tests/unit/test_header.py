"""The header: `-- Key: value` lines, and nothing that looks like one is ignored in silence."""

from __future__ import annotations

import pytest

from scripts.files.header import Header, Mode
from tests.support.texts import migration, read, refusal, shown


def header(*lines: str) -> Header:
    return read(migration(header="\n".join(lines))).header


def test_all_keys_are_read() -> None:
    assert header(
        "-- Migration: 004_step.sql",
        "-- Description: Add préférences: part 1",
        "-- Author: O'Brien",
        "-- Created: 2024-01-01",
        "-- Transaction: none",
        "-- Lock-Timeout: 5s",
        "-- Statement-Timeout: 2min",
        "-- Irreversible: the old passwords are gone",
    ) == Header(
        migration="004_step.sql",
        description="Add préférences: part 1",
        author="O'Brien",
        created="2024-01-01",
        mode=Mode.NONE,
        lock_timeout_ms=5000,
        statement_timeout_ms=120_000,
        irreversible="the old passwords are gone",
    )


def test_a_file_needs_no_header() -> None:
    assert header() == Header()
    assert Header().transactional


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("--Transaction:none", id="no-blanks"),
        pytest.param("--   TRANSACTION :  None  ", id="blanks-and-capitals"),
        pytest.param("-- transaction: none\r", id="crlf"),
        pytest.param("  -- Transaction: none", id="indented"),
        pytest.param("--\u00a0Transaction:\u00a0none", id="no-break-spaces"),
    ],
)
def test_a_directive_may_be_written_in_several_ways(line: str) -> None:
    assert not header(line).transactional


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("-- See https://example.org/a:b", id="address"),
        pytest.param("-- https://example.org", id="address-alone"),
        pytest.param("-- Note: run it at night", id="other-key"),
        pytest.param("-- Reviewed-By: Ann", id="key-of-the-team"),
        pytest.param("-- Ticket: UP-12", id="ticket"),
        pytest.param("-- Duration: 5 min", id="a-little-like-a-key"),
        pytest.param("-- Action: none", id="end-of-a-key"),
        pytest.param("-- Created by: Ann", id="more-than-a-key"),
        pytest.param("-- Why it has to be one transaction: locks", id="prose-with-a-colon"),
        pytest.param("-- The transaction is irreversible", id="prose-without-a-colon"),
        pytest.param("-- Transaction handling is left to the runner", id="prose-begins-like-a-key"),
        pytest.param("-- created::date comes first", id="cast"),
        pytest.param("--", id="empty"),
        pytest.param("-- ----------", id="rule"),
        pytest.param("/* Copyright: Upskill */", id="block-comment"),
    ],
)
def test_other_comments_are_only_comments(line: str) -> None:
    assert header(line) == Header()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("Transactions: none", "Transaction", id="plural"),
        pytest.param("Transacton: none", "Transaction", id="letter-missing"),
        pytest.param("No-Transaction: true", "Transaction", id="negated"),
        pytest.param("Transact: none", "Transaction", id="shortened"),
        pytest.param("Transactional: false", "Transaction", id="adjective"),
        pytest.param("Lock Timeout: 5s", "Lock-Timeout", id="blank-for-dash"),
        pytest.param("lock_timeout: 5s", "Lock-Timeout", id="as-the-setting"),
        pytest.param("LockTimeout: 5s", "Lock-Timeout", id="no-dash"),
        pytest.param("Timeout: 5s", "Lock-Timeout", id="which-timeout"),
        pytest.param("Idle-Timeout: 5s", "Lock-Timeout", id="other-timeout"),
        pytest.param("Statement timeout: 5s", "Statement-Timeout", id="statement"),
        pytest.param("Ireversible: lost", "Irreversible", id="doubled-letter"),
        pytest.param("Reversible: no", "Irreversible", id="opposite"),
        pytest.param("Desciption: x", "Description", id="people-s-key"),
        pytest.param("Authors: x", "Author", id="people-s-key-plural"),
    ],
)
def test_a_mistyped_key_is_an_error(written: str, meant: str) -> None:
    key = written.partition(":")[0]

    assert shown(migration(header=f"-- Migration: a\n-- {written}")) == (
        f"error:  '{key}' is not a header key; did you mean '{meant}'?\n"
        "at:     line 2\n"
        f"help:   write '-- {meant}: …', or reword the comment without the colon"
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("-- Transaction none", id="no-colon"),
        pytest.param("-- Transaction = none", id="equals"),
        pytest.param("-- Lock_Timeout=5s", id="equals-underscore"),
        pytest.param("--- Transaction: none", id="three-dashes"),
        pytest.param("-- * Statement-Timeout: 5s", id="bullet"),
        pytest.param("-- - Irreversible: lost", id="dash"),
        pytest.param("-- # transaction: none", id="hash"),
        pytest.param("-- Irreversible", id="alone"),
    ],
)
def test_a_directive_that_is_not_quite_one_is_an_error(line: str) -> None:
    error = refusal(migration(header=f"\n{line}"))

    assert error.what == f"'{line}' looks like a directive but would be ignored"
    assert error.line == 2
    assert error.hint.startswith("write '-- ")


def test_a_key_twice_is_an_error() -> None:
    text = migration(header="-- Lock-Timeout: 5s\n-- Author: A\n-- lock-timeout: 9s")

    assert shown(text) == (
        "error:  'Lock-Timeout' appears twice in the header, here and on line 1\n"
        "at:     line 3\n"
        "help:   keep one of the two"
    )


@pytest.mark.parametrize("key", ["Lock-Timeout", "Statement-Timeout"])
@pytest.mark.parametrize("value", ["soon", "", "5 sec", "-1", "5s;", "1e3"])
def test_a_timeout_that_is_none_is_an_error(key: str, value: str) -> None:
    assert shown(migration(header=f"\n-- {key}: {value}")) == (
        f"error:  {key}: '{value}' is not a duration such as 500ms, 5s or 2min\n"
        "at:     line 2\n"
        f"help:   write '-- {key}: 5s'"
    )


@pytest.mark.parametrize("key", ["Lock-Timeout", "Statement-Timeout"])
def test_a_timeout_without_a_unit_is_an_error_that_says_what_was_meant(key: str) -> None:
    assert shown(migration(header=f"\n-- {key}: 5")) == (
        f"error:  {key}: '5' has no unit\n"
        "at:     line 2\n"
        f"help:   write '-- {key}: 5s' or '-- {key}: 5ms'"
    )
    assert header(f"-- {key}: 0") == header(f"-- {key}: 0ms")


@pytest.mark.parametrize("value", ["", "no", "none -- for the index", "required", "non"])
def test_a_transaction_other_than_none_is_an_error(value: str) -> None:
    assert shown(migration(header=f"-- Transaction: {value}")) == (
        f"error:  'Transaction: {value}' is not valid: the only value is 'none'\n"
        "at:     line 1\n"
        "help:   write '-- Transaction: none', or remove the line to run in one transaction"
    )


def test_irreversible_without_a_reason_is_an_error() -> None:
    assert shown(migration(header="-- Migration: a\n-- Irreversible:")) == (
        "error:  'Irreversible' needs a reason\n"
        "at:     line 2\n"
        "help:   write '-- Irreversible: why this cannot be undone'"
    )


@pytest.mark.parametrize("section", ["up", "down"])
@pytest.mark.parametrize(
    "line",
    [
        "-- Transaction: none",
        "-- Transactions: none",
        "--lock-timeout: 5s",
        "-- Timeout: 5s",
        "  -- Irreversible: gone",
    ],
)
def test_a_directive_inside_a_section_is_an_error(section: str, line: str) -> None:
    sql = f"SELECT 1;\n{line}\n"
    text = migration(up=sql) if section == "up" else migration(down=sql)
    error = refusal(text)

    assert error.what.endswith("' inside a section has no effect")
    assert text.splitlines()[error.line - 1] == line
    assert error.hint == "move the line into the header, above '-- UP'"


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT 1; -- Transaction: the second one", id="prose"),
        pytest.param("SELECT 1;\n-- Lock-Timeout: see the wiki", id="no-value"),
        pytest.param("SELECT '\n-- Transaction: none\n';", id="in-a-string"),
        pytest.param("DO $$\n-- Transaction: none\nBEGIN END $$;", id="in-a-body"),
        pytest.param("SELECT 1;\n-- Author: Ann", id="key-for-people"),
    ],
)
def test_a_comment_in_a_section_may_speak_of_directives(sql: str) -> None:
    assert read(migration(up=sql)).header == Header()


def test_directives_are_written_as_they_are_read() -> None:
    written = (
        "-- Transaction: none\n-- Lock-Timeout: 1500ms\n-- Statement-Timeout: 0ms\n"
        "-- Irreversible: it's gone: all of it\n"
    )

    assert header(written).directives() == written
    assert Header(description="x", author="y").directives() == ""
