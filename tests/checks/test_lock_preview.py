"""The lock preview: what each statement of an UP does to tables that others use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.checks import validation
from scripts.checks.static.suite import Checked, Scope
from scripts.embedded.server import Server
from scripts.engine import settings
from scripts.files import project
from tests.support.projects import lay_out
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
BASE = (REPOSITORY / "tests/data/shadow/base.sql").read_text()
OTHER_CHANGES = (
    "SHARE UPDATE EXCLUSIVE on public.orders: blocks other changes of the table, and VACUUM"
)
READS_TOO = "ACCESS EXCLUSIVE on public.orders: blocks reads and writes"


def locks(root: Path, postgres: Server, up: str, header: str = "", base: str = BASE) -> list[str]:
    """Return what an UP does, as people read it: "5: SHARE on public.orders: blocks writes"."""
    lay_out(root, {"001_base.sql": base, "002_case.sql": f"{header}-- UP\n{up}\n-- DOWN\n"})
    return [f"{one.line}: {one}" for one in run(root, postgres).touches]


def run(root: Path, postgres: Server) -> Checked:
    """Run what is above the first migration."""
    here = project.load(root / "alembic.ini")
    course = here.environment("course")
    (checked,) = validation.files([course], Scope(since="001"))
    databases = [settings.load(here, course, need_url=False)]
    url, ignore = postgres.url("postgres"), lambda *_: None
    validation.shadow(databases, [checked], url, ignore, ignore)
    return checked


@pytest.mark.parametrize(
    ("up", "expected"),
    [
        ("ALTER TABLE orders ADD COLUMN IF NOT EXISTS a int DEFAULT 1;", [f"2: {READS_TOO}"]),
        (
            "ALTER TABLE archive ALTER COLUMN id TYPE int;",
            ["2: ACCESS EXCLUSIVE on public.archive: blocks reads and writes; rewrites the table"],
        ),
        (
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0);",
            [f"2: {READS_TOO}; scans the table"],
        ),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0) NOT VALID;", [f"2: {READS_TOO}"]),
        (
            "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
            [f"2: {READS_TOO}; scans the table"],
        ),
        (
            "ALTER TABLE archive ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES orders (id);",
            [
                "2: SHARE ROW EXCLUSIVE on public.archive: blocks writes; scans the table",
                "2: SHARE ROW EXCLUSIVE on public.orders: blocks writes",
            ],
        ),
        (
            "CREATE INDEX IF NOT EXISTS i ON orders (placed);",
            ["2: SHARE on public.orders: blocks writes"],
        ),
        (
            "DO $$ BEGIN EXECUTE 'ALTER TABLE orders ADD COLUMN a int'; END $$;",
            [f"2: {READS_TOO}"],
        ),
        ("TRUNCATE orders;", [f"2: {READS_TOO}"]),
        (
            "DROP TABLE IF EXISTS orders CASCADE;",
            [
                "2: ACCESS EXCLUSIVE on public.customers: blocks reads and writes",
                f"2: {READS_TOO}",
            ],
        ),
        (
            "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;",
            [f"2: {OTHER_CHANGES}"],
        ),
        ("COMMENT ON TABLE orders IS 'x';", [f"2: {OTHER_CHANGES}"]),
        ("INSERT INTO archive VALUES (1, 'a');\nSELECT count(*) FROM orders;", []),
        (
            "CREATE TABLE IF NOT EXISTS n (id int);\nALTER TABLE n ADD COLUMN IF NOT EXISTS a int;",
            [],
        ),
        (
            "CREATE INDEX IF NOT EXISTS i ON orders (placed);\n"
            "ALTER TABLE orders ADD COLUMN IF NOT EXISTS a int;\n"
            "ALTER TABLE orders ADD COLUMN IF NOT EXISTS b int;",
            ["2: SHARE on public.orders: blocks writes", f"3: {READS_TOO}"],
        ),
    ],
)
def test_what_a_statement_does_to_a_table_is_seen(
    tmp_path: Path, postgres: Server, up: str, expected: list[str]
) -> None:
    assert locks(tmp_path, postgres, up) == expected


@pytest.mark.parametrize(
    ("up", "expected"),
    [
        (
            "CREATE INDEX IF NOT EXISTS i ON orders (placed);\n"
            "ALTER TABLE orders ADD COLUMN IF NOT EXISTS a int;",
            ["3: SHARE on public.orders: blocks writes", f"4: {READS_TOO}"],
        ),
        (
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (placed);\n"
            "REINDEX (CONCURRENTLY) INDEX i;\nDROP INDEX CONCURRENTLY IF EXISTS public.i;",
            [f"{line}: {OTHER_CHANGES}" for line in (3, 4, 5)],
        ),
        ("VACUUM (ANALYZE) orders;", [f"3: {OTHER_CHANGES}"]),
        ("VACUUM FULL orders;", [f"3: {READS_TOO}; rewrites the table"]),
        ("VACUUM (FULL false) orders;", [f"3: {OTHER_CHANGES}"]),
        (
            "REINDEX (CONCURRENTLY false) SCHEMA public;",
            [
                f"3: SHARE on public.{name}: blocks writes"
                for name in ("archive", "customers", "orders")
            ],
        ),
        ("CLUSTER;", []),
        (
            "DO $$ BEGIN RAISE active_sql_transaction; EXCEPTION WHEN others THEN NULL; END $$;\n"
            "ALTER TABLE nobody ADD COLUMN a int;",
            [],
        ),
        (
            "CREATE TABLE IF NOT EXISTS n (id int);\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON n (id);",
            [],
        ),
        (
            "SET search_path = pg_catalog;\nCREATE INDEX CONCURRENTLY i ON public.orders (note);",
            [f"4: {OTHER_CHANGES}"],
        ),
        ("ALTER TABLE nobody ADD COLUMN a int;", []),
    ],
)
def test_so_it_is_outside_a_transaction(
    tmp_path: Path, postgres: Server, up: str, expected: list[str]
) -> None:
    assert locks(tmp_path, postgres, up, "-- Transaction: none\n") == expected


@pytest.mark.parametrize(
    "up",
    [
        "PREPARE p AS SELECT 1;\nEXECUTE p;\nDEALLOCATE p;",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1;\nCLOSE c;",
        "SELECT pg_advisory_lock(7);\nDO $$ BEGIN IF (SELECT count(*) FROM pg_locks"
        " WHERE locktype = 'advisory' AND objid = 7) <> 1 THEN RAISE 'two'; END IF; END $$;"
        "\nSELECT pg_advisory_unlock(7);",
        "DO $$ BEGIN IF nextval('numbers') <> 100 THEN RAISE 'twice'; END IF; END $$;",
        "SET search_path = pg_catalog;\nRESET search_path;",
        "CREATE TEMP TABLE t (id int);\nDROP TABLE t;",
    ],
)
def test_a_trial_leaves_nothing(tmp_path: Path, postgres: Server, up: str) -> None:
    lay_out(
        tmp_path,
        {"001_base.sql": BASE, "002_case.sql": f"-- Transaction: none\n-- UP\n{up}\n-- DOWN\n"},
    )
    checked = run(tmp_path, postgres)
    assert [one.message for one in checked.findings if one.code == "shadow-up-fails"] == []


def test_a_partition_that_is_detached_concurrently_is_locked_last(
    tmp_path: Path, postgres: Server
) -> None:
    up = "ALTER TABLE parts DETACH PARTITION part CONCURRENTLY;"
    base = (
        "-- UP\nCREATE TABLE parts (id int) PARTITION BY LIST (id);\n"
        "CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);\n-- DOWN\n"
    )
    assert locks(tmp_path, postgres, up, "-- Transaction: none\n", base) == [
        "3: ACCESS EXCLUSIVE on public.part: blocks reads and writes",
        "3: SHARE UPDATE EXCLUSIVE on public.parts: blocks other changes of the table, and VACUUM",
    ]


def test_a_statement_that_fails_leaves_those_before_it(tmp_path: Path, postgres: Server) -> None:
    up = "ALTER TABLE orders ADD COLUMN IF NOT EXISTS a int;\nSELECT 1 / 0;"
    assert locks(tmp_path, postgres, up) == [f"2: {READS_TOO}"]


def test_what_it_does_is_not_what_the_one_before_did(tmp_path: Path, postgres: Server) -> None:
    up = (
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0);\n"
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS a int;"
    )
    assert locks(tmp_path, postgres, up) == [f"2: {READS_TOO}; scans the table"]


def _validate(workspace: Workspace, *options: str) -> str:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    up = "ALTER TABLE a ADD CONSTRAINT positive CHECK (id > 0);"
    workspace.add("002", up, "ALTER TABLE a DROP CONSTRAINT IF EXISTS positive;")
    done = workspace.run("validate", "--shadow", "--database", "course", *options)
    assert done.stderr == ""
    return done.stdout


def test_people_read_them_below_the_findings(workspace: Workspace) -> None:
    assert (
        "sql/course/002_step.sql locks:\n"
        "  line 5: ALTER TABLE a ADD CONSTRAINT positive CHECK (id > 0);\n"
        "    ACCESS EXCLUSIVE on public.a: blocks reads and writes; scans the table\n"
    ) in _validate(workspace)


def test_programs_read_them_as_json(workspace: Workspace) -> None:
    (lock,) = json.loads(_validate(workspace, "--format", "json"))["locks"]
    assert lock == {
        "path": "sql/course/002_step.sql",
        "line": 5,
        "statement": "ALTER TABLE a ADD CONSTRAINT positive CHECK (id > 0);",
        "table": "public.a",
        "mode": "AccessExclusiveLock",
        "rewrites": False,
        "scans": True,
        "blocks": "blocks reads and writes",
        "bytes": None,
        "rows": None,
    }


def test_github_shows_them_beside_the_line(workspace: Workspace) -> None:
    assert (
        "::notice file=sql/course/002_step.sql,line=5,title=lock::"
        "ACCESS EXCLUSIVE on public.a: blocks reads and writes; scans the table\n"
    ) in _validate(workspace, "--format", "github")


def test_a_summary_is_appended_for_the_pull_request(workspace: Workspace) -> None:
    summary = workspace.root / "summary.md"
    summary.write_text("before\n")
    printed = _validate(workspace, "--summary", "summary.md")
    text = summary.read_text()
    assert text.startswith("before\n## Migrations\n")
    assert "**error** `sql/course/002_step.sql:5` UP is not idempotent" in text
    row = (
        "| 5 | `ALTER TABLE a ADD CONSTRAINT positive CHECK (id > 0);` | public.a"
        " | ACCESS EXCLUSIVE | blocks reads and writes; scans the table |"
    )
    assert row in text
    assert "locks:" in printed


@pytest.mark.parametrize("option", ["--summary", "--sarif"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere/file", "there is no folder nowhere"),
        ("sql", "sql is a folder"),
        ("", "is empty; leave the option out to use the default"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_ahead_of_all(
    workspace: Workspace, option: str, name: str, why: str
) -> None:
    done = workspace.run("validate", "--shadow", option, name)
    assert done.returncode == 2
    assert why in done.stderr.splitlines()[-1]
    assert option in done.stderr.splitlines()[-1]
    assert done.stdout == ""
