"""How long a statement may wait and run: what a file says, what is set, what the server can do."""

from __future__ import annotations

import pytest

from scripts.engine.execution import timeouts
from scripts.engine.settings import Limits
from scripts.files.header import Header
from scripts.sqltext import statements

LIMITS = Limits(lock_timeout_ms=5000, statement_timeout_ms=60000, lock_retries=3)
SILENT = Header()
OWN = SILENT._replace(lock_timeout_ms=10, statement_timeout_ms=20)
UNBOUNDED = SILENT._replace(lock_timeout_ms=0, statement_timeout_ms=0)


@pytest.mark.parametrize(
    ("header", "lock", "statement"),
    [(SILENT, 5000, 60000), (OWN, 10, 20), (UNBOUNDED, 0, 0)],
    ids=["the settings", "the file's own", "the file's own, without limit"],
)
def test_what_a_file_says_wins_over_the_settings(header: Header, lock: int, statement: int) -> None:
    assert timeouts.local(header, LIMITS) == (
        f"SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement};"
        " SET LOCAL idle_in_transaction_session_timeout = 0;"
    )
    [plain] = statements.split("CREATE INDEX i ON t (a);")
    assert timeouts.session(header, LIMITS, plain) == {
        "lock_timeout": lock,
        "statement_timeout": statement,
    }


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a);", 0),
        ("DROP INDEX CONCURRENTLY i;", 0),
        ("REINDEX TABLE CONCURRENTLY t;", 0),
        ("VACUUM t;", 0),
        ("VACUUM FULL t;", 5000),
        ("ALTER TABLE t ADD COLUMN a int;", 5000),
        ("CREATE INDEX concurrently_not ON t (a);", 5000),
    ],
)
def test_what_keeps_nobody_waiting_may_wait_for_locks_without_limit(text: str, lock: int) -> None:
    [statement] = statements.split(text)
    assert timeouts.session(SILENT, LIMITS, statement)["lock_timeout"] == lock


def test_a_file_bounds_the_wait_of_a_concurrent_index_too() -> None:
    [statement] = statements.split("CREATE INDEX CONCURRENTLY i ON t (a);")
    assert timeouts.session(OWN, LIMITS, statement)["lock_timeout"] == 10


@pytest.mark.parametrize("header", [SILENT, OWN])
def test_the_server_looks_for_its_client_where_it_is_told_to(header: Header) -> None:
    watch = "client_connection_check_interval"
    assert timeouts.local(header, LIMITS, watch_client=True) == (
        f"{timeouts.local(header, LIMITS)} SET LOCAL {watch} = 2000;"
    )
    assert timeouts.watching(watch_client=True) == {watch: 2000}
    assert timeouts.watching(watch_client=False) == {}


@pytest.mark.parametrize(
    ("version", "platform", "supported"),
    [
        (140000, "PostgreSQL 14.0 on x86_64-pc-linux-gnu, compiled by gcc", True),
        (180006, "PostgreSQL 18.6 on aarch64-unknown-linux-gnu", True),
        (130022, "PostgreSQL 13.22 on x86_64-pc-linux-gnu", False),
        (180006, "PostgreSQL 18.6 on aarch64-apple-darwin", False),
        (180006, "PostgreSQL 18.6 on x86_64-windows", False),
    ],
)
def test_it_can_do_so_from_14_on_and_on_linux(version: int, platform: str, supported: bool) -> None:
    assert timeouts.supports_watching(version, platform) is supported
