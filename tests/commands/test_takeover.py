"""baseline.py takes over what an earlier tool has noted, if it is what the files say."""

from __future__ import annotations

import pytest

from tests.support.takeovers import (
    COURSE,
    DBMATE,
    EXACT,
    GOLANG,
    NPM,
    ledger,
    migrated,
    note,
)
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def elsewhere(workspace: Workspace) -> Workspace:
    """Three migrations, two of which another tool has run."""
    return migrated(workspace)


def behaves_as_migrated(workspace: Workspace) -> None:
    assert "003_step.sql" in workspace.run("migrate", *COURSE).stdout
    live = workspace.run("validate", "--live", "--strict", *COURSE)
    assert live.returncode == 0, live.stdout
    back = workspace.run("rollback", *COURSE, "--to", "base", "--yes")
    assert back.returncode == 0, back.stderr
    assert workspace.query("SELECT to_regclass('t_001'), to_regclass('t_003')") == [(None, None)]


@pytest.mark.parametrize("shape", [NPM, EXACT])
def test_a_ledger_of_scripts_is_taken_over_with_its_times(elsewhere: Workspace, shape: str) -> None:
    note(elsewhere, shape)
    done = elsewhere.run("baseline", *COURSE, "--yes", environment={"PGTZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "an earlier tool's ledger is there: public.schema_migrations" in done.stdout
    assert "it will be renamed to public.schema_migrations_before" in done.stdout
    assert done.stdout.endswith("course: at 002; wrote 2 migrations, nothing was run\n")
    assert ledger(elsewhere) == [
        ("001", "001_step.sql", "2024-05-01 10:00:00"),
        ("002", "002_step.sql", "2024-05-02 10:00:00"),
    ]
    # Nothing of it is lost.
    assert elsewhere.query("SELECT count(*) FROM schema_migrations_before") == [(2,)]
    ((remark,),) = elsewhere.query("SELECT error FROM schema_migrations_events")
    assert "taken over from public.schema_migrations, a ledger of scripts" in str(remark)
    behaves_as_migrated(elsewhere)


def test_the_ledger_of_dbmate_is_taken_over(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query("INSERT INTO schema_migrations VALUES ('001'), ('002')")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "as dbmate keeps it (version; 2 rows)" in done.stdout
    behaves_as_migrated(elsewhere)


def test_the_ledger_of_golang_migrate_is_taken_over(elsewhere: Workspace) -> None:
    elsewhere.query(GOLANG)
    elsewhere.query("INSERT INTO schema_migrations VALUES (2, false)")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "as golang-migrate keeps it (version; at 2)" in done.stdout
    behaves_as_migrated(elsewhere)


def test_a_version_that_failed_half_way_is_not_taken_over(elsewhere: Workspace) -> None:
    elsewhere.query(GOLANG)
    elsewhere.query("INSERT INTO schema_migrations VALUES (2, true)")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "does not say that 2 is applied: dirty is True" in done.stderr


def test_nothing_is_taken_over_without_being_asked(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query("INSERT INTO schema_migrations VALUES ('001'), ('002')")
    done = elsewhere.run("baseline", *COURSE)
    assert done.returncode == 2
    assert "cannot ask for confirmation" in done.stderr
    assert "nothing was changed" in done.stderr
    assert elsewhere.query("SELECT count(*) FROM schema_migrations") == [(2,)]
    assert elsewhere.query("SELECT to_regclass('schema_migrations_before')") == [(None,)]


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ("('001'), ('003')", "no row in it for 002_step.sql"),
        ("('001'), ('002'), ('004')", "no file in sql/course for its 004"),
    ],
)
def test_another_history_than_the_files_is_refused(
    elsewhere: Workspace, versions: str, said: str
) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query(f"INSERT INTO schema_migrations VALUES {versions}")
    command = (*COURSE, "--yes", "--accept-differences", "whatever")
    done = elsewhere.run("baseline", *command)
    assert done.returncode == 1
    assert "and the files are not the same history" in done.stderr
    assert said in done.stderr


def test_another_at_than_the_ledgers_is_refused(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    elsewhere.query("INSERT INTO schema_migrations VALUES ('001'), ('002')")
    done = elsewhere.run("baseline", *COURSE, "--at", "1", "--yes")
    assert done.returncode == 1
    assert "is at 002, not at 1" in done.stderr


def test_a_file_that_was_changed_since_is_a_difference(elsewhere: Workspace) -> None:
    note(elsewhere, NPM, checksum="sha256")
    file = elsewhere.root / "sql" / "course" / "002_step.sql"
    file.write_text("-- more\n" + file.read_text())
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "the file was changed after it was applied: its sha256 is not the noted" in done.stdout
    assert "002_step.sql" in done.stdout
    assert "001_step.sql" not in done.stdout
    accepted = elsewhere.run("baseline", *COURSE, "--yes", "--accept-differences", "a comment")
    assert accepted.returncode == 0, accepted.stderr
    ((remark,),) = elsewhere.query("SELECT error FROM schema_migrations_events")
    assert str(remark).startswith("a comment\n")


def test_another_rollback_than_the_files_is_a_difference(elsewhere: Workspace) -> None:
    note(elsewhere, NPM, rollback="DROP TABLE t_001")
    done = elsewhere.run("baseline", *COURSE, "--yes")
    assert done.returncode == 1
    assert "its DOWN is not the rollback SQL that was noted" in done.stdout
    assert "noted: DROP TABLE t_001\n" in done.stdout


def test_any_algorithm_of_checksums_is_understood(elsewhere: Workspace) -> None:
    note(elsewhere, EXACT, checksum="md5")
    assert elsewhere.run("baseline", *COURSE, "--yes").returncode == 0
    assert "\n  at 002, 2 applied" in elsewhere.run("status", *COURSE).stdout


def test_a_ledger_of_another_name_is_left_as_it_is(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE.replace("schema_migrations", "done"))
    elsewhere.query("INSERT INTO done VALUES ('001'), ('002')")
    elsewhere.ignore("public.done")
    done = elsewhere.run("baseline", *COURSE, "--from", "done", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "it stays as it is; public.schema_migrations will be made" in done.stdout
    behaves_as_migrated(elsewhere)
    assert elsewhere.query("SELECT count(*) FROM done") == [(2,)]


def test_a_table_that_is_no_ledger_is_named(elsewhere: Workspace) -> None:
    elsewhere.query("CREATE TABLE schema_migrations (what int, ever text)")
    done = elsewhere.run("baseline", *COURSE, "--at", "002")
    assert done.returncode == 1
    assert "the table public.schema_migrations is no ledger that is known" in done.stderr
    assert "it has: what, ever" in done.stderr


def test_a_run_names_the_way_to_take_it_over(elsewhere: Workspace) -> None:
    elsewhere.query(DBMATE)
    done = elsewhere.run("migrate", *COURSE)
    assert done.returncode == 1
    assert "is not a ledger: it lacks filename, applied_at, rollback_sql" in done.stderr
    assert "baseline.py" in done.stderr


def test_without_any_ledger_the_version_must_be_given(elsewhere: Workspace) -> None:
    done = elsewhere.run("baseline", *COURSE)
    assert done.returncode == 2
    assert "--at is missing" in done.stderr
