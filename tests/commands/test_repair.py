"""repair.py: a ledger is put right where it is known what it should say, and nothing else."""

from __future__ import annotations

import hashlib

import pytest

from tests.support.repairs import COURSE, behaves_as_migrated, change, events, release, rename
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Two migrations, committed and applied."""
    return release(workspace)


def test_comments_and_white_space_are_realigned(applied: Workspace) -> None:
    change(applied, "SELECT 1;", "-- why not\n  SELECT\n    1 ;")
    change(applied, "-- DROP TABLE IF EXISTS t_002;", "-- DROP TABLE\n--   IF EXISTS t_002;")
    assert applied.run("migrate", *COURSE).returncode == 1
    said = "only comments and white space were changed since it was applied"
    shown = applied.run("repair", *COURSE)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == (
        f"course: 002 its row gets the checksum and the rollback SQL of the file: {said}\n"
        "course: nothing was changed; add --yes to do it\n"
    )
    assert events(applied) == []
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("course: 1 change made, noted in the event log; at 002\n")
    [(version, error, sql)] = events(applied)
    assert (version, sql) == ("002", "DROP TABLE IF EXISTS t_002;\n")
    assert str(error).startswith(f"{said}: its row gets the checksum")
    assert "\nchecksum before: " in str(error)
    behaves_as_migrated(applied)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("SELECT 1;", "SELECT 2;", 6),
        ("id int", "id bigint", 5),
        ("IF EXISTS t_002", "IF EXISTS t_002 CASCADE", 9),
        ("SELECT 1;", "", 4),
    ],
)
def test_other_sql_is_left_unless_it_is_accepted(
    applied: Workspace, before: str, after: str, line: int
) -> None:
    change(applied, before, after)
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert (
        f"course: 002 is left: its SQL was changed since it was applied, first in line {line}; "
        "the database may not have what the file says\n"
    ) in done.stdout
    assert events(applied) == []
    accept = (*COURSE, "--yes", "--accept", "2", "--reason", "it was a typing error")
    done = applied.run("repair", *accept)
    assert done.returncode == 0, done.stderr
    [(version, error, _)] = events(applied)
    assert version == "002"
    assert "\naccepted: it was a typing error\n" in str(error)
    assert applied.run("migrate", *COURSE).returncode == 0
    assert applied.run("rollback", *COURSE, "--yes").returncode == 0


def test_a_text_that_git_does_not_have_is_left(applied: Workspace) -> None:
    applied.query("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '002'")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert "git's history does not have the text that was applied" in done.stdout


def test_where_there_is_no_repository_nothing_is_known(applied: Workspace) -> None:
    change(applied, "SELECT 1;", "SELECT 1 ;")
    (applied.root / ".git").rename(applied.root / "away")
    done = applied.run("repair", *COURSE)
    assert done.returncode == 1
    assert "git's history does not have the text that was applied" in done.stdout


def test_the_row_of_a_renumbered_file_follows_it(applied: Workspace) -> None:
    rename(applied, "002_step", "003_step")
    assert applied.run("migrate", *COURSE).returncode == 1
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "course: 002 its row becomes that of 003_step.sql: 002 was applied as 002_step.sql, whose "
        "text is now 003_step.sql\n"
        "course: 1 change made, noted in the event log; at 003\n"
    )
    assert applied.versions() == ["001", "003"]
    assert applied.alembic_version() == ["003"]
    [(_, error, _)] = events(applied)
    assert "\nfile before: 002_step.sql\n" in str(error)
    behaves_as_migrated(applied)


def test_two_files_that_changed_their_numbers_are_no_obstacle(applied: Workspace) -> None:
    rename(applied, "001_step", "003_first")
    rename(applied, "002_step", "001_second")
    rename(applied, "003_first", "002_first")
    for name, below in (("001_second", "None"), ("002_first", '"001"')):
        path = applied.root / "course" / "versions" / f"{name}.py"
        lines = path.read_text().splitlines()
        lines = [f"down_revision = {below}" if "down_rev" in one else one for one in lines]
        path.write_text("\n".join(lines) + "\n")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert done.stdout.count("others were applied between both numbers") == 2
    accept = ("--accept", "1", "--accept", "2", "--reason", "they do not need each other")
    done = applied.run("repair", *COURSE, "--yes", *accept)
    assert (done.returncode, done.stderr) == (0, "")
    assert "at 002\n" in done.stdout
    assert applied.query("SELECT version, rollback_sql FROM schema_migrations ORDER BY 1") == [
        ("001", "DROP TABLE IF EXISTS t_002;\n"),
        ("002", "DROP TABLE IF EXISTS t_001;\n"),
    ]
    behaves_as_migrated(applied)


def test_a_ledger_without_checksums_gets_them(applied: Workspace) -> None:
    applied.query("ALTER TABLE schema_migrations DROP COLUMN rollback_checksum")
    applied.query("ALTER TABLE schema_migrations ALTER checksum DROP NOT NULL")
    applied.query("UPDATE schema_migrations SET checksum = NULL")
    assert applied.run("migrate", *COURSE).returncode == 1
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("its rollback SQL is the file's DOWN\n") == 2
    assert "course: 2 changes made" in done.stdout
    behaves_as_migrated(applied)


def test_a_checksum_of_another_algorithm_is_known(applied: Workspace) -> None:
    data = (applied.root / "sql" / "course" / "002_step.sql").read_bytes()
    noted = hashlib.new("md5", data).hexdigest()
    applied.query(f"UPDATE schema_migrations SET checksum = '{noted}' WHERE version = '002'")
    done = applied.run("repair", *COURSE, "--yes")
    assert "its checksum is the file's md5, not its SHA-256" in done.stdout
    assert done.returncode == 0
    behaves_as_migrated(applied)


def test_without_checksum_another_rollback_is_left(applied: Workspace) -> None:
    applied.query("ALTER TABLE schema_migrations DROP COLUMN rollback_checksum")
    applied.query("UPDATE schema_migrations SET checksum = '', rollback_sql = 'DROP TABLE x'")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert done.stdout.count("its rollback SQL is not the file's DOWN") == 2


def test_a_rollback_that_somebody_changed_is_left(applied: Workspace) -> None:
    applied.query("UPDATE schema_migrations SET rollback_sql = 'DROP TABLE t_001'")
    done = applied.run("repair", *COURSE, "--yes")
    assert done.returncode == 1
    assert "the stored rollback SQL was changed since it was stored" in done.stdout
    accept = ("--accept", "001", "--accept", "002", "--reason", "a script went wrong")
    assert applied.run("repair", *COURSE, "--yes", *accept).returncode == 0
    assert [row[2] for row in events(applied)] == ["DROP TABLE t_001"] * 2
    behaves_as_migrated(applied)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--accept", "002"), "--accept needs --reason"),
        (("--reason", "x"), "--reason needs --accept"),
        (("--accept", "007", "--reason", "x"), "007 cannot be accepted: nothing about it"),
    ],
)
def test_what_makes_no_sense_is_refused(
    applied: Workspace, options: tuple[str, ...], said: str
) -> None:
    done = applied.run("repair", *COURSE, "--yes", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_ledger_that_is_right_stays_as_it_is(applied: Workspace) -> None:
    before = applied.query("SELECT * FROM schema_migrations ORDER BY 1")
    done = applied.run("repair", *COURSE, "--yes")
    assert (done.returncode, done.stdout) == (0, "course: nothing to put right\n")
    assert applied.query("SELECT * FROM schema_migrations ORDER BY 1") == before
