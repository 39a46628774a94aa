"""A file outside a transaction that was cut short: shown, completed, or undone by its own DOWN."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from scripts.errors import RollbackError, StatementError
from tests.support.doors import DOORS, start
from tests.support.servers import ASLEEP, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"
UP = "CREATE TABLE IF NOT EXISTS a (id int);\nINSERT INTO a SELECT 1 / count(*) FROM b;"
DOWN = "DROP TABLE IF EXISTS a;"


@pytest.fixture
def half(workspace: Workspace) -> Workspace:
    """Course at 001, and the first of two statements of 002 done."""
    workspace.query("CREATE TABLE b (id int)")
    workspace.add_tables("001")
    workspace.add("002", UP, DOWN, header=OUTSIDE)
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert "1 of its 2 statements took effect" in caught.value.state
    assert workspace.tables() == ["a", "b", "t_001"]
    return workspace


def test_status_shows_how_far_it_came_and_why_no_further(half: Workspace) -> None:
    done = half.run("status", "--database", "course")
    line = done.stdout.splitlines()[2]
    assert re.fullmatch(
        r"  002  PARTIAL 1/2, 002_step.sql: failed [-0-9]+ [:0-9]+ [+0-9]+, line 7, "
        r"division by zero \[22012\]",
        line,
    )
    [fields] = json.loads(half.run("status", "--database", "course", "--json").stdout)["databases"]
    [partial] = fields["partial"]
    assert (partial["version"], partial["done"], partial["statements"]) == ("002", 1, 2)
    assert (partial["line"], partial["failed"]) == (7, True)


def test_nothing_below_it_is_rolled_back_through_either_door(half: Workspace) -> None:
    for done in (
        half.run("rollback", "--database", "course", "--yes"),
        half.run("rollback", "--yes", "--database", "course", "--to", "base"),
        half.alembic("-n", "course", "downgrade", "-1"),
    ):
        assert done.returncode == 1
        assert "002_step.sql is half applied, so nothing below it can be rolled back" in done.stderr
        assert "1 of 2 statements took effect; failed" in done.stderr
        assert "-x partial=002" in done.stderr
    assert half.versions() == ["001"]


@pytest.mark.parametrize("door", ["scripts", "alembic"])
@pytest.mark.parametrize("file", ["there", "gone", "changed"])
def test_its_own_down_undoes_it_also_where_the_file_is_gone(
    half: Workspace, door: str, file: str
) -> None:
    if file == "gone":
        half.remove("002")
    elif file == "changed":
        path = half.root / "sql/course/002_step.sql"
        path.write_text(path.read_text().replace(DOWN, "DROP TABLE nonsense;"))
    done = (
        half.run("rollback", "--database", "course", "--partial", "--yes")
        if door == "scripts"
        else half.alembic("-n", "course", "-x", "partial=002", "downgrade", "001")
    )
    assert done.returncode == 0, done.stderr
    assert "rolled back 002_step.sql" in done.stdout + done.stderr
    assert half.tables() == ["b", "t_001"]
    assert (half.versions(), half.alembic_version()) == (["001"], ["001"])
    assert half.state().partial == ()
    assert half.run("rollback", "--database", "course", "--yes").returncode == 0
    assert half.versions() == []


def test_a_rollback_of_it_shows_what_it_runs_and_destroys(half: Workspace) -> None:
    done = half.run("rollback", "--database", "course", "--partial", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "002_step.sql, 1 of 2 statements took effect; failed" in done.stdout
    assert "    DROP TABLE IF EXISTS a;\n  destroys table a (0 rows)" in done.stdout
    assert half.tables() == ["a", "b", "t_001"]


def test_the_next_run_completes_it_and_counts_what_was_done(half: Workspace) -> None:
    half.query("DROP TABLE b")
    path = half.root / "sql/course/002_step.sql"
    path.write_text(
        path.read_text().replace("\n\n-- UP: Apply\n", "\n\n-- UP: Apply\nSELECT 1 / 0;\n")
    )
    with pytest.raises(StatementError) as caught:
        half.upgrade()
    assert "1 of its 3 statements took effect, 1 of them in an earlier run" in (caught.value.state)
    path.write_text(path.read_text().replace("SELECT 1 / 0;\n", ""))
    half.query("CREATE TABLE b AS SELECT 1 AS id")
    half.upgrade()
    assert half.versions() == ["001", "002"]
    assert half.state().partial == ()


def test_what_its_first_run_made_was_not_there_before(half: Workspace) -> None:
    half.query("INSERT INTO b VALUES (1)")
    half.upgrade()
    [(existed,)] = half.query("SELECT existed_before FROM schema_migrations WHERE version = '002'")
    assert existed == []
    half.downgrade("001")
    assert half.tables() == ["b", "t_001"]


def test_what_was_there_before_its_first_run_still_counts(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE a (id int); CREATE TABLE b ()")
    workspace.add("001", UP, DOWN, header=OUTSIDE)
    with pytest.raises(StatementError):
        workspace.upgrade()
    workspace.query("INSERT INTO b DEFAULT VALUES")
    workspace.upgrade()
    with pytest.raises(RollbackError, match="would drop objects that existed before it"):
        workspace.downgrade("base")


def test_undoing_it_drops_nothing_that_was_there_before(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE a (id int); INSERT INTO a VALUES (42); CREATE TABLE b ()")
    workspace.add("001", UP, DOWN, header=OUTSIDE)
    with pytest.raises(StatementError):
        workspace.upgrade()
    undo = ("rollback", "--database", "course", "--partial", "--yes")
    for done in (
        workspace.run(*undo),
        workspace.alembic("-n", "course", "-x", "partial=001", "downgrade", "base"),
    ):
        assert done.returncode == 1
        assert "rolling back 001 would drop objects that existed before it" in done.stderr
    assert (42,) in workspace.query("SELECT * FROM a")
    done = workspace.run(*undo, "--drop-existing")
    assert done.returncode == 0, done.stderr
    assert workspace.tables() == ["b"]


def test_a_killed_run_whose_statement_can_not_be_repeated_is_not_forgotten(
    workspace: Workspace,
) -> None:
    workspace.add("001", "CREATE TABLE a (); SELECT pg_sleep(600);", DOWN, header=OUTSIDE)
    process = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    process.kill()
    process.communicate()
    with pytest.raises(StatementError, match="already exists"):
        workspace.upgrade()  # "a" exists already
    assert [one.version for one in workspace.state().partial] == ["001"]
    done = workspace.run("rollback", "--database", "course", "--partial", "--yes")
    assert done.returncode == 0, done.stderr
    assert workspace.tables() == []


@pytest.mark.parametrize("other", [None, "007_another"])
def test_nothing_is_applied_above_one_that_is_not_in_this_checkout(
    half: Workspace, other: str | None
) -> None:
    half.remove("002")
    if other:
        half.add("002", "CREATE TABLE c ();", slug="another")
    half.add("003", "CREATE TABLE d ();")
    for done in (
        half.run("migrate", "--database", "course"),
        half.alembic("-n", "course", "upgrade", "head"),
    ):
        assert done.returncode == 1
        assert "002_step.sql is half applied, but not in this checkout" in done.stderr
        assert "--partial" in done.stderr
    assert half.versions() == ["001"]


def test_nothing_is_applied_on_top_of_a_rollback_that_was_cut_short(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE b (id int)")
    down = "DROP TABLE IF EXISTS a;\nSELECT 1 / count(*) FROM b;"
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a ();", down, header=OUTSIDE)
    workspace.upgrade()
    with pytest.raises(StatementError):
        workspace.downgrade("base")
    workspace.add_tables("002")
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 1
    assert "the rollback of 001_step.sql was cut short" in done.stderr
    assert workspace.alembic("-n", "course", "stamp", "001").returncode == 0
    assert workspace.run("migrate", "--database", "course").returncode == 0


def test_one_that_a_script_completed_is_over(half: Workspace) -> None:
    half.query("INSERT INTO b VALUES (1)")
    script = half.alembic("-n", "course", "upgrade", "001:002", "--sql").stdout
    psql = [str(half.bin / "psql"), "-Xq", half.urls["course"]]
    subprocess.run(psql, input=script, text=True, capture_output=True, check=True)
    assert half.state().partial == ()


def test_a_script_can_not_undo_it(half: Workspace) -> None:
    done = half.alembic("-n", "course", "-x", "partial=002", "downgrade", "002:001", "--sql")
    assert done.returncode == 2
    assert "-x partial needs a database" in done.stderr


@pytest.mark.parametrize("header", ["", OUTSIDE])
def test_a_file_whose_first_statement_fails_is_not_half_applied(
    workspace: Workspace, header: str
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "SELECT 1 / 0;\nCREATE TABLE a ();", DOWN, header=header)
    with pytest.raises(StatementError):
        workspace.upgrade()
    assert workspace.state().partial == ()
    workspace.downgrade("base")
    assert workspace.versions() == []


def test_a_half_rolled_back_file_is_shown_and_rolled_back_by_the_next_rollback(
    workspace: Workspace,
) -> None:
    workspace.query("CREATE TABLE b (id int)")
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS a ();",
        "DROP TABLE IF EXISTS a;\nSELECT 1 / count(*) FROM b;",
        header=OUTSIDE,
    )
    workspace.upgrade()
    with pytest.raises(StatementError):
        workspace.downgrade("base")
    shown = workspace.run("status", "--database", "course").stdout
    assert "001  PARTIAL rollback 1/2, 001_step.sql: failed" in shown
    workspace.query("INSERT INTO b VALUES (1)")
    workspace.downgrade("base")
    assert workspace.versions() == []
    assert workspace.state().partial == ()


def test_a_stamp_ends_it(half: Workspace) -> None:
    assert half.alembic("-n", "course", "stamp", "002").returncode == 0
    assert half.state().partial == ()


def test_a_killed_run_is_shown_as_not_known_to_have_ended(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a ();\nSELECT pg_sleep(600);", DOWN, header=OUTSIDE)
    process = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    process.kill()
    process.communicate()
    shown = workspace.run("status", "--database", "course").stdout
    assert "001  PARTIAL 1/2, 001_step.sql: started" in shown
    assert "it was killed, or is still running" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-x", "partial=001", "downgrade", "base"), "001 is not half applied"),
        (("-x", "partial=002", "upgrade", "head"), "-x partial can only be used with downgrade"),
        (("-x", "partial=002", "downgrade", "base"), "must leave the database at 001"),
        (("-x", "partial=x", "downgrade", "base"), "-x partial needs a version, but got 'x'"),
    ],
)
def test_a_partial_that_makes_no_sense_is_refused(
    half: Workspace, arguments: tuple[str, ...], said: str
) -> None:
    done = half.alembic("-n", "course", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert half.versions() == ["001"]


def test_partial_without_a_half_applied_file_is_refused(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    done = workspace.run("rollback", "--partial", "--yes", "--database", "course")
    assert done.returncode == 2
    assert "no file is half applied in course" in done.stderr


def test_status_says_that_it_can_not_be_known_without_an_event_log(half: Workspace) -> None:
    half.query("DROP TABLE schema_migrations_events")
    shown = half.run("status", "--database", "course").stdout
    assert (
        "without an event log that this login may read, half-applied files are not shown" in shown
    )


def test_without_an_event_log_it_can_not_be_known_and_that_is_said(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE b (id int); CREATE TABLE schema_migrations_events (id int)")
    workspace.add("001", UP, DOWN, header=OUTSIDE)
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert "without an event log, a later run will not know this" in caught.value.state
