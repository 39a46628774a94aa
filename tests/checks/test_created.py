"""What a file makes although an earlier one made it: found, and not found where a name is free."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks.finding import Finding
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from tests.support.projects import findings, lay_out

HIDDEN = "IF NOT EXISTS hides this"
FAILS = "it fails on a database that has 001"
TABLE = "CREATE TABLE IF NOT EXISTS t (id bigint PRIMARY KEY, note text);"


def found(
    root: Path, *ups: str, downs: dict[int, str] | None = None, since: str = ""
) -> list[Finding]:
    """Return what is found in a history of files with these UPs."""
    undo = downs or {}
    files = {
        f"{number:03}_step.sql": f"-- UP\n{up}\n\n-- DOWN\n{undo.get(number, 'SELECT 1;')}\n"
        for number, up in enumerate(ups, 1)
    }
    lay_out(root, files)
    return findings(root, Scope(since=since), Wanted(select=["already-created"]), ["sql"])


def messages(root: Path, *ups: str) -> list[str]:
    return [one.message for one in found(root, *ups)]


def test_a_rollback_would_drop_what_an_earlier_file_made(root: Path) -> None:
    down = {3: "DROP TABLE IF EXISTS t;"}
    (finding,) = found(root, TABLE, "SELECT 1;", f"SELECT 1;\n{TABLE}", downs=down)
    assert finding.message == (
        "003 creates table t, which 001 already created: IF NOT EXISTS hides this, and rolling "
        "back 003 would drop it"
    )
    assert finding.where.endswith("003_step.sql:3")


def test_a_column_that_a_rollback_would_drop(root: Path) -> None:
    down = {2: "ALTER TABLE t DROP COLUMN IF EXISTS note;"}
    (finding,) = found(root, TABLE, "ALTER TABLE t ADD COLUMN IF NOT EXISTS note text;", downs=down)
    assert finding.message == (
        "002 creates column note of t, which 001 already created: IF NOT EXISTS hides this, and "
        "rolling back 002 would drop it"
    )


@pytest.mark.parametrize(
    ("ups", "message"),
    [
        (
            [TABLE, "CREATE TABLE t (id int);"],
            f"002 creates table t, which 001 already created: {FAILS}",
        ),
        (
            [TABLE, "CREATE TABLE IF NOT EXISTS public.T (id int);"],
            f"002 creates table t, which 001 already created: {HIDDEN}",
        ),
        (
            [TABLE, 'CREATE UNLOGGED TABLE IF NOT EXISTS "t" (id int);'],
            f"002 creates table t, which 001 already created: {HIDDEN}",
        ),
        (
            [TABLE, "CREATE TABLE IF NOT EXISTS t AS SELECT 1;"],
            f"002 creates table t, which 001 already created: {HIDDEN}",
        ),
        ([TABLE, "SELECT 1 INTO t;"], f"002 creates table t, which 001 already created: {FAILS}"),
        (
            [TABLE, "CREATE VIEW t AS SELECT 1;"],
            f"002 creates view t, but 001 already created a table t: {FAILS}",
        ),
        (
            ["CREATE VIEW v AS SELECT 1;", "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1;"],
            f"002 creates materialized view v, but 001 already created a view v: {HIDDEN}",
        ),
        (
            ["CREATE TYPE m AS ENUM ('a');", "CREATE DOMAIN m AS text;"],
            f"002 creates domain m, but 001 already created a type m: {FAILS}",
        ),
        (
            ["CREATE SEQUENCE s.q;", "CREATE SEQUENCE IF NOT EXISTS s.q;"],
            f"002 creates sequence s.q, which 001 already created: {HIDDEN}",
        ),
        (
            [
                "SET search_path = s; CREATE TABLE t (id int);",
                "CREATE TABLE IF NOT EXISTS s.t (id int);",
            ],
            f"002 creates table s.t, which 001 already created: {HIDDEN}",
        ),
        (
            [TABLE, "ALTER TABLE t RENAME TO u;", "CREATE TABLE IF NOT EXISTS u (id int);"],
            f"003 creates table u, which 001 already created: {HIDDEN}",
        ),
        (
            [TABLE, "ALTER TABLE t RENAME note TO remark;", "ALTER TABLE t ADD remark text;"],
            f"003 creates column remark of t, which 001 already created: {FAILS}",
        ),
        (
            [
                TABLE,
                "ALTER TABLE t SET SCHEMA s;",
                "ALTER TABLE s.t ADD COLUMN IF NOT EXISTS note text;",
            ],
            f"003 creates column note of s.t, which 001 already created: {HIDDEN}",
        ),
        (
            [TABLE, "CREATE TEMP TABLE t (id int); DROP TABLE t;", "CREATE TABLE t (id int);"],
            f"003 creates table t, which 001 already created: {FAILS}",
        ),
        (
            [
                "CREATE TABLE e (a int) PARTITION BY RANGE (a);",
                "CREATE TABLE p PARTITION OF e DEFAULT;",
                "CREATE TABLE IF NOT EXISTS p PARTITION OF e DEFAULT;",
            ],
            f"003 creates table p, which 002 already created: {HIDDEN}",
        ),
    ],
)
def test_what_is_made_a_second_time(root: Path, ups: list[str], message: str) -> None:
    assert messages(root, *ups) == [message]


@pytest.mark.parametrize(
    "ups",
    [
        [TABLE, "DROP TABLE t;", TABLE],
        [TABLE, "DROP TABLE IF EXISTS public.t; CREATE TABLE t (id int);"],
        [TABLE, "ALTER TABLE t RENAME TO u;", TABLE],
        [TABLE, "ALTER TABLE t RENAME TO u; CREATE TABLE t (id int, note text);"],
        [TABLE, "ALTER TABLE t SET SCHEMA s;", TABLE],
        [TABLE, "ALTER TABLE t DROP COLUMN note;", "ALTER TABLE t ADD COLUMN note text;"],
        [TABLE, "ALTER TABLE t RENAME note TO a;", "ALTER TABLE t ADD COLUMN note text;"],
        [TABLE, "DROP TABLE t; CREATE TABLE t ();", "ALTER TABLE t ADD COLUMN note text;"],
        [TABLE, "CREATE TEMP TABLE t (id int, note text); ALTER TABLE t ADD COLUMN note text;"],
        [TABLE, "CREATE TABLE s.t (id int);"],
        [TABLE, "ALTER TABLE t ADD note text, DROP COLUMN note;"],
        [
            "CREATE TEMP TABLE a (id int); CREATE VIEW v AS SELECT * FROM a;",
            "CREATE VIEW v AS SELECT 1;",
        ],
        ["CREATE TABLE t (); CREATE TABLE IF NOT EXISTS t (id int);", "ALTER TABLE t ADD id int;"],
        [TABLE, 'CREATE TABLE "T" (id int);'],
        [TABLE, "SET search_path TO s, public; CREATE TABLE IF NOT EXISTS t (id int);"],
        [TABLE, "SELECT set_config('search_path', 's', false); CREATE TABLE t (id int);"],
        [TABLE, "ALTER DATABASE d SET search_path = s;", "CREATE TABLE t (id int);"],
        [TABLE, "DO $$ BEGIN DROP TABLE t; END $$;", TABLE],
        [TABLE, "DO $$ BEGIN EXECUTE format('DROP TABLE %I', x); END $$;", TABLE],
        [TABLE, "DROP OWNED BY app;", TABLE],
        ["CREATE TABLE t (id int); CREATE TABLE IF NOT EXISTS t (id int);"],
        ["CREATE SCHEMA IF NOT EXISTS s;", "CREATE SCHEMA IF NOT EXISTS s;"],
        ["CREATE EXTENSION IF NOT EXISTS citext;", "CREATE EXTENSION IF NOT EXISTS citext;"],
        ["CREATE OR REPLACE VIEW v AS SELECT 1;", "CREATE OR REPLACE VIEW v AS SELECT 1;"],
        ["CREATE TABLE s.t (id int);", "DROP SCHEMA s CASCADE; CREATE TABLE s.t (id int);"],
        ["CREATE TABLE s.t (id int);", "ALTER SCHEMA s RENAME TO r; CREATE TABLE s.t (id int);"],
        [
            TABLE,
            "CREATE VIEW v AS SELECT * FROM t;",
            "DROP TABLE t CASCADE; CREATE VIEW v AS SELECT 1;",
        ],
        [
            TABLE,
            "CREATE VIEW v AS SELECT * FROM t; CREATE VIEW w AS SELECT * FROM v;",
            "DROP TABLE t CASCADE;",
            "CREATE VIEW w AS SELECT 1;",
        ],
        [
            TABLE,
            "CREATE VIEW v AS SELECT note FROM t;",
            "ALTER TABLE t DROP note CASCADE;",
            "CREATE VIEW v AS SELECT 1;",
        ],
        [TABLE, "CREATE SEQUENCE q OWNED BY t.id;", "DROP TABLE t;", "CREATE SEQUENCE q;"],
        [
            TABLE,
            "CREATE SEQUENCE q;",
            "ALTER SEQUENCE q OWNED BY t.id;",
            "DROP TABLE t;",
            "CREATE SEQUENCE q;",
        ],
        [
            "CREATE TABLE e (a int) PARTITION BY RANGE (a);",
            "CREATE TABLE p PARTITION OF e DEFAULT;",
            "DROP TABLE e;",
            "CREATE TABLE p (a int);",
        ],
        ["CREATE TYPE m AS ENUM ('a');", "ALTER TYPE m RENAME TO n; CREATE TYPE m AS ENUM ('b');"],
        ["CREATE TYPE m AS ENUM ('a');", "DROP TYPE IF EXISTS m; CREATE TYPE m AS ENUM ('b');"],
        ["CREATE DOMAIN d AS text;", "ALTER DOMAIN d SET SCHEMA s;", "CREATE DOMAIN d AS text;"],
        [
            "CREATE TYPE c AS (a int);",
            "ALTER TYPE c ADD ATTRIBUTE b int;",
            "ALTER TYPE c DROP ATTRIBUTE b; ALTER TYPE c ADD ATTRIBUTE b int;",
        ],
        [
            "CREATE TABLE t (a citext);",
            "DROP EXTENSION citext CASCADE;",
            "ALTER TABLE t ADD a text;",
        ],
    ],
)
def test_a_name_that_is_free_gives_nothing(root: Path, ups: list[str]) -> None:
    assert messages(root, *ups) == []


def test_released_files_are_looked_at_and_not_blamed(root: Path) -> None:
    (finding,) = found(root, TABLE, TABLE, TABLE, since="002")
    assert finding.message == f"003 creates table t, which 001 already created: {HIDDEN}"
