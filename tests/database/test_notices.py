"""What the server says beside its answers is shown with the place that it came from."""

from __future__ import annotations

import pytest

from scripts.errors import StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HEADERS = pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["in", "outside"])


@HEADERS
def test_notices_and_warnings_are_shown_with_file_and_line(
    workspace: Workspace, header: str
) -> None:
    workspace.add(
        "001",
        "DROP TABLE IF EXISTS old;\n"
        "DO $$ BEGIN RAISE NOTICE 'three rows moved'; RAISE WARNING 'one was odd'; END $$;",
        header=header,
    )
    line = 5 + bool(header)
    workspace.upgrade()
    assert workspace.recorder.notices == [
        f'sql/course/001_step.sql:{line}: NOTICE: table "old" does not exist, skipping',
        f"sql/course/001_step.sql:{line + 1}: NOTICE: three rows moved",
        f"sql/course/001_step.sql:{line + 1}: WARNING: one was odd",
    ]


def test_all_of_them_are_shown_however_many(workspace: Workspace) -> None:
    workspace.add(
        "001", "DO $$ BEGIN FOR i IN 1..120 LOOP RAISE NOTICE 'n %', i; END LOOP; END $$;"
    )
    workspace.upgrade()
    assert workspace.recorder.notices == ["sql/course/001_step.sql:5: NOTICE: n ***"] * 120


@HEADERS
def test_those_ahead_of_a_failure_are_shown_too(workspace: Workspace, header: str) -> None:
    workspace.add("001", "DO $$ BEGIN RAISE NOTICE 'so far'; PERFORM 1 / 0; END $$;", header=header)
    with pytest.raises(StatementError):
        workspace.upgrade()
    assert [text.partition(" ")[2] for text in workspace.recorder.notices] == ["NOTICE: so far"]


def test_those_of_a_rollback_name_the_ledger_that_its_sql_is_from(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;", "DROP TABLE IF EXISTS a;")
    workspace.upgrade()
    workspace.downgrade("base")
    assert workspace.recorder.notices == [
        'rollback_sql of 001 in public.schema_migrations:1: NOTICE: table "a" does not exist, '
        "skipping"
    ]


def test_what_a_definition_says_is_shown_with_the_names_that_the_file_lacks(
    workspace: Workspace,
) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a);\n"
        "TRUNCATE a CASCADE; DROP TABLE a CASCADE;",
    )
    workspace.upgrade()
    assert [text.partition(": ")[2] for text in workspace.recorder.notices] == [
        'NOTICE: truncate cascades to table "b"',
        "NOTICE: drop cascades to constraint b_id_fkey on table b",
    ]


def test_a_password_in_one_is_masked_and_plain_alembic_shows_them(workspace: Workspace) -> None:
    workspace.add("001", "DO $$ BEGIN RAISE NOTICE 'password=hunter2x, done'; END $$;")
    done = workspace.alembic("-n", "course", "upgrade", "head")
    assert "sql/course/001_step.sql:5: NOTICE: " in done.stderr
    assert "hunter2x" not in done.stderr


def test_what_would_steer_a_terminal_is_shown_as_escapes(workspace: Workspace) -> None:
    workspace.add("001", 'DROP TABLE IF EXISTS U&"a\\001b[31m";')
    done = workspace.run("migrate", "--database", "course")
    assert 'table "a\\x1b[31m" does not exist, skipping' in done.stdout
    assert "\x1b" not in done.stdout
