"""Prose in a DOWN that is commented out as a whole: what is taken for SQL, and what is not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.errors import FormatError
from scripts.files import migration_file
from tests.support.workspace import REPOSITORY

REASON = "the whole DOWN is commented out, so each line is read as SQL"


def write(folder: Path, down: str) -> Path:
    path = folder / "004_step.sql"
    path.write_text(f"-- UP\nSELECT 1;\n\n-- DOWN\n{down}\n")
    return path


def refusal(folder: Path, down: str) -> FormatError:
    with pytest.raises(FormatError) as caught:
        migration_file.read_pending(write(folder, down))
    return caught.value


@pytest.mark.parametrize(
    ("down", "line", "shown"),
    [
        ("-- Drop the column again", 5, "Drop the column again"),
        ("-- DROP TABLE t;\n--\n-- Then restore the backup.", 7, "Then restore the backup."),
        ("-- Drop the table:\n-- DROP TABLE t;", 5, "Drop the table:"),
        ("-- Update the rows by hand;\n-- DROP TABLE t;", 5, "Update the rows by hand;"),
        ("-- Drop table coupons and tell the team", 5, "Drop table coupons and tell the team"),
        ("-- Nothing", 5, "Nothing"),
        ("-- TODO", 5, "TODO"),
        ("-- -- a note\n-- We can't, and it won't matter", 6, "We can't, and it won't matter"),
        ("-- Wie es war: Spalte löschen", 5, "Wie es war: Spalte löschen"),
        ("-- Notify everyone", 5, "Notify everyone"),
        ("-- Execute manually.", 5, "Execute manually."),
        ("-- DROP TABLE t;\n-- Fetch rows\n-- -- from the backup", 6, "Fetch rows"),
        ("--Drop it again", 5, "Drop it again"),
    ],
)
def test_prose_is_refused_with_its_line_and_the_way_to_write_it(
    tmp_path: Path, down: str, line: int, shown: str
) -> None:
    error = refusal(tmp_path, down)
    assert error.what == f"{REASON}, but this is not SQL: {shown}"
    assert error.where.endswith(f"004_step.sql:{line}")
    assert error.hint.startswith("start prose with `-- --`")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Don't run this by hand", "this quoted string is never closed"),
        ("Put the column back (see the wiki", "'(' is never closed in the statement that begins"),
        (
            "Commit the change by hand;",
            "'COMMIT' is not allowed: each run manages its own transactions",
        ),
    ],
)
def test_prose_that_is_refused_for_another_reason_is_told_how_to_be_written(
    tmp_path: Path, text: str, what: str
) -> None:
    error = refusal(tmp_path, f"-- {text}\n-- DROP TABLE t;")
    assert error.what.startswith(what)
    assert error.hint.endswith(f"{REASON}; start prose with `-- --`")
    assert error.line == 5


@pytest.mark.parametrize(
    "down",
    [
        "",
        "-- DROP TABLE IF EXISTS t;",
        "-- drop table if exists t",
        "-- Drop Table t;",
        "-- -- Drop the column again\n-- ALTER TABLE t DROP COLUMN c;",
        "-- --Drop the column again",
        "-- /* Drop the column\n--    again, don't ask */\n-- DROP TABLE t;",
        "-- UPDATE t SET a = 'it''s' WHERE b;\n-- SELECT 1",
        "-- DO $$ BEGIN\n--   -- Drop the column again\n-- END $$;",
        "-- WITH a AS (SELECT 1) DELETE FROM t USING a;",
        "-- GRANT SELECT ON t TO app;\n-- REVOKE ALL ON t FROM app;\n-- SET lock_timeout = '1s';",
        "-- Truncate coupons;",
        "-- NOTIFY everyone",
        "Drop the column again;",
        "-- a note\nREPACK t;",
    ],
)
def test_sql_and_comments_are_taken(tmp_path: Path, down: str) -> None:
    migration_file.read_pending(write(tmp_path, down))


def test_a_file_that_has_been_applied_is_read_as_it_is(tmp_path: Path) -> None:
    file = migration_file.read(write(tmp_path, "-- Drop the column again"))
    assert file.rollback_sql == "Drop the column again\n"


def test_comments_inside_a_statement_cost_nothing(tmp_path: Path) -> None:
    deep = "/*" * 100_000 + "*/" * 100_000
    began = time.monotonic()
    migration_file.read_pending(write(tmp_path, f"-- UPDATE t {deep} SET a = 1;"))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("down", "imported"), [("-- DROP TABLE IF EXISTS t;", False), ("-- UPDATE t SET a = 1;", True)]
)
def test_the_grammar_is_imported_only_where_it_is_needed(
    tmp_path: Path, down: str, imported: bool
) -> None:
    code = (
        "import sys; from pathlib import Path; from scripts.files import migration_file;"
        "migration_file.read_pending(Path(sys.argv[1])); print('postgast' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(write(tmp_path, down))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == str(imported)
