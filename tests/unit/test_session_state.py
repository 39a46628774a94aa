"""What statements leave in a session, and what takes it away."""

from __future__ import annotations

import pytest

from scripts.sqltext import session_state, statements


def resets(sql: str) -> list[str]:
    return session_state.resets(statements.split(sql))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET search_path = a;", ["RESET ALL;"]),
        ("set session work_mem to '1MB';", ["RESET ALL;"]),
        ("SELECT set_config('a.b', 'c', false);", ["RESET ALL;"]),
        ("SELECT pg_catalog . SET_CONFIG ('a.b', 'c', false);", ["RESET ALL;"]),
        ("SET ROLE app;", ["RESET ROLE;"]),
        ("SET SESSION ROLE app;", ["RESET ROLE;"]),
        ("SET SESSION AUTHORIZATION app;", ["RESET SESSION AUTHORIZATION;"]),
        ("CREATE TEMP TABLE t (id int);", ["DISCARD TEMP;"]),
        ("CREATE LOCAL TEMPORARY VIEW v AS SELECT 1;", ["DISCARD TEMP;"]),
        ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1;", ["DISCARD TEMP;"]),
        ("SELECT 1 AS a INTO TEMP t;", ["DISCARD TEMP;"]),
        ("SELECT pg_advisory_lock(1);", ["SELECT pg_advisory_unlock_all();"]),
        ("SELECT pg_try_advisory_lock_shared(1);", ["SELECT pg_advisory_unlock_all();"]),
        ("LISTEN x;", ["UNLISTEN *;"]),
        ("PREPARE p AS SELECT 1;", ["DEALLOCATE ALL;"]),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1;", ["CLOSE ALL;"]),
        ("SET ROLE a;\nSET x.y = 1;\nLISTEN z;", ["RESET ALL;", "UNLISTEN *;", "RESET ROLE;"]),
    ],
)
def test_what_has_to_be_taken_away(sql: str, expected: list[str]) -> None:
    assert resets(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT pg_advisory_lock(1);", ["SELECT pg_advisory_unlock_all();"]),
        ("PREPARE p AS SELECT 1;", ["DEALLOCATE ALL;"]),
        ("SET a.b = 1;\nLISTEN x;\nCREATE TEMP TABLE t (id int);", []),
    ],
)
def test_what_outlives_a_rollback(sql: str, expected: list[str]) -> None:
    assert session_state.survivors(session_state.resets(statements.split(sql))) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL search_path = a;",
        "SET TRANSACTION READ ONLY;",
        "SET CONSTRAINTS ALL DEFERRED;",
        "UPDATE t SET role = 1;",
        "ALTER ROLE app SET search_path = a;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = a AS 'SELECT 1';",
        "SELECT pg_advisory_xact_lock(1);",
        "CREATE TABLE temperatures (id int);",
        "CREATE TABLE t (prepare int);",
    ],
)
def test_what_leaves_nothing(sql: str) -> None:
    assert resets(sql) == []
