"""migrate.py --dry-run: what would run is shown, or tried on the database itself and taken back."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from tests.support.doors import start
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
COURSE = ("--database", "course")
TRY = (*COURSE, "--dry-run", "--execute")


def test_what_is_tried_is_taken_back(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE t_001 ADD COLUMN b int;\nINSERT INTO t_001 VALUES (1, 2);")
    workspace.add("003", "CREATE INDEX IF NOT EXISTS i ON t_001 (b);")
    before = workspace.dump()
    rows = workspace.query("SELECT count(*) FROM schema_migrations_events")
    done = workspace.run("migrate", *TRY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "course: trying 2 migrations on migrator@" in done.stdout
    assert "it takes the locks that they take, in one transaction that is taken back" in done.stdout
    assert "course: 002_step.sql ran (" in done.stdout
    assert "applied" not in done.stdout
    assert done.stdout.endswith("course: 2 migrations ran, and everything was taken back\n")
    assert workspace.dump() == before
    assert workspace.query("SELECT count(*) FROM schema_migrations_events") == rows
    assert workspace.versions() == ["001"]


def test_on_an_empty_database_nothing_stays_either(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    before = workspace.dump()
    done = workspace.run("migrate", *TRY)
    assert (done.returncode, done.stderr) == (0, "")
    assert workspace.dump() == before


def test_a_failure_is_shown_as_the_run_would(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "INSERT INTO t_001 VALUES (1), (1);")
    before = workspace.dump()
    done = workspace.run("migrate", *TRY)
    assert done.returncode == 1
    assert "sql/course/002_step.sql:5" in done.stderr
    assert "state:  everything was taken back; course is at base\n" in done.stderr
    assert workspace.dump() == before


def test_a_failed_trial_is_no_failure_of_the_database(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "SELECT 1 / 0;")
    before = workspace.dump()
    assert workspace.run("migrate", *TRY).returncode == 1
    assert workspace.dump() == before
    assert "failure" not in workspace.run("status", *COURSE).stdout


def test_what_a_commit_would_check_is_checked_after_each_file(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE p (id int PRIMARY KEY);\n"
        "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);",
    )
    workspace.upgrade()
    workspace.add("002", "INSERT INTO c VALUES (1);\nINSERT INTO p VALUES (1);")
    workspace.add("003", "ALTER TABLE c ADD COLUMN b int;")
    workspace.add("004", "INSERT INTO c VALUES (2);\nINSERT INTO p VALUES (2);")
    done = workspace.run("migrate", *TRY)
    assert (done.returncode, done.stderr) == (0, "")
    workspace.add("005", "INSERT INTO c VALUES (99);")
    done = workspace.run("migrate", *TRY)
    assert done.returncode == 1
    assert "violates foreign key constraint" in done.stderr
    assert "everything was taken back" in done.stderr


def test_a_value_of_an_enum_is_used_only_when_it_is_committed(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TYPE e AS ENUM ('a');\nCREATE TABLE t (e e);")
    workspace.upgrade()
    workspace.add("002", "ALTER TYPE e ADD VALUE IF NOT EXISTS 'b';")
    workspace.add("003", "INSERT INTO t VALUES ('b');")
    done = workspace.run("migrate", *TRY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "course: not tried from 003_step.sql on: an enum value that was added" in done.stdout


def test_what_runs_outside_a_transaction_is_not_tried(workspace: Workspace) -> None:
    workspace.add_tables("001")
    index = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t_001 (id);"
    workspace.add("002", index, header="-- Transaction: none\n")
    workspace.add_tables("003")
    done = workspace.run("migrate", *TRY)
    assert done.returncode == 0
    assert "course: 1 migration ran, and everything was taken back\n" in done.stdout
    assert "course: not tried from 002_step.sql on: it runs outside a transaction" in done.stdout
    workspace.upgrade("001")
    done = workspace.run("migrate", *TRY)
    assert "course: 0 migrations ran, and everything was taken back\n" in done.stdout


def test_a_trial_waits_for_another_run_as_a_run_does(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE t_001 ADD COLUMN b int;")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE t_001")
        run = start(workspace, "scripts/migrate.py", *COURSE)
        until(
            lambda: (
                workspace.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database()"
                )
                == [(1,)]
            ),
            "a run that waits",
        )
        trial = start(workspace, "scripts/migrate.py", *TRY)
        assert trial.stdout
        said = trial.stdout.readline() + trial.stdout.readline()
        assert "course: waiting for another run: " in said
        other.rollback()
        assert run.communicate(timeout=60)
        said += trial.communicate(timeout=60)[0]
    assert (run.returncode, trial.returncode) == (0, 0)
    assert workspace.versions() == ["001", "002"]


def test_bare_sql_is_that_of_the_files(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a (id int);\n\n-- why\nSELECT   1;")
    done = workspace.run("migrate", *COURSE, "--dry-run", "--sql")
    assert done.stdout == "CREATE TABLE a (id int);\n\n-- why\nSELECT   1;\n"
    assert workspace.tables() == []


def test_what_is_too_deep_or_too_long_is_shown_as_it_is(workspace: Workspace) -> None:
    workspace.add("001", f"SELECT {'(' * 150}1{')' * 150}, 'a\x1b[31mb', 2 AS more_than_a_line;")
    workspace.add("002", f"SELECT {', '.join(map(str, range(20000)))};")
    done = workspace.run("migrate", *COURSE, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"    SELECT {'(' * 150}1" in done.stdout
    assert "\x1b" not in done.stdout
    assert len(done.stdout) < 2000
    assert "\x1b" not in workspace.run("migrate", *COURSE, "-v").stdout


def test_a_query_on_one_line_is_laid_out_and_secrets_are_not_shown(workspace: Workspace) -> None:
    query = "INSERT INTO a (b, c) SELECT b, c FROM d JOIN e USING (f) WHERE g > 3 AND h IS NULL"
    workspace.add("001", f"{query};\nCREATE USER u PASSWORD 's3cr3t';")
    done = workspace.run("migrate", *COURSE, "--dry-run")
    assert "    INSERT INTO a (b, c)\n    SELECT b, c\n    FROM d\n" in done.stdout
    assert "s3cr3t" not in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--execute",), "--execute needs --dry-run"),
        (("--sql",), "--sql needs --dry-run"),
        (("--dry-run", "--sql", "--json"), "--sql and --json are two forms of the same"),
        (("--dry-run", "--sql", "--execute"), "not allowed with argument"),
        (("--dry-rum",), "unrecognized arguments: --dry-rum; did you mean --dry-run?"),
        (("--to", "01O", *COURSE), "did you mean 010?"),
    ],
)
def test_what_makes_no_sense_is_refused(
    workspace: Workspace, options: tuple[str, ...], said: str
) -> None:
    workspace.add_tables("010")
    done = workspace.run("migrate", *options)
    assert done.returncode == 2
    assert said in done.stderr
