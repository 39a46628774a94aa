"""What people see of a run on a terminal; what programs read has no control codes."""

from __future__ import annotations

import re
from contextlib import closing

import psycopg2
import pytest

from tests.support.doors import DOORS
from tests.support.terminal import plain, run
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
LONG = "a_name_that_is_longer_than_most_names_are_and_goes_on_and_on"


@pytest.fixture
def slow(workspace: Workspace) -> Workspace:
    """A migration that takes long enough to be looked at."""
    workspace.add_tables("001")
    workspace.add(
        "002", "SELECT 1;\nSELECT pg_sleep(1.5) FROM t_001, t_001 b;\nSELECT pg_sleep(1.5);"
    )
    return workspace


def test_a_run_is_drawn_with_its_statement_and_a_bar(slow: Workspace) -> None:
    code, written = run(slow, *DOORS["migrate"])
    said = plain(written)
    assert code == 0
    assert re.search(r"course: applying 002_step.sql, line 7, statement 3/3, 1 s\n", said)
    assert "  SELECT pg_sleep(1.5);\n" in said
    assert re.search(r"course ━+\S* ?━* 1/2 \d:\d\d:\d\d", said)
    lines = [line for line in said.splitlines() if line.startswith("course: ")]
    assert re.fullmatch(r"course: 2 migrations to apply on migrator@this machine:\d+/\w+", lines[0])
    assert any(re.fullmatch(r"course: applied 002_step.sql \(1.5 s\)", line) for line in lines)
    end = r"course: 2 migrations applied in 1.\d s, at 002"
    assert any(re.fullmatch(end, line) for line in lines)
    # The cursor is given back.
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_who_is_in_the_way_is_drawn_while_it_is(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE t_001 ADD COLUMN b int;")
    with closing(psycopg2.connect(workspace.urls["course"], application_name="shop")) as other:
        other.cursor().execute("LOCK TABLE t_001")

        def let_go(said: str) -> None:
            if "blocked by\n" in said:
                other.rollback()

        code, written = run(workspace, *DOORS["migrate"], when=let_go, MIGRATION_LOCK_TIMEOUT="0")
    said = plain(written)
    assert code == 0
    assert "  waits for ACCESS EXCLUSIVE on t_001, blocked by\n" in said
    assert re.search(r"    pid \d+ \(migrator, shop, idle in transaction\)\n", said)


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_terminal_or_broken_in_a_word(
    workspace: Workspace, width: int
) -> None:
    workspace.add_tables("001")
    workspace.add("002", f"SELECT 1 AS {LONG}, 2 AS {LONG}_2, 1/0 AS {LONG}_3;")
    code, written = run(workspace, *DOORS["migrate"], width=width)
    assert code == 1
    _, shown = run(workspace, "scripts/status.py", "--database", "course", width=width)
    for line in plain(written + shown).splitlines():
        assert len(line) <= width, line
    words = plain(written).split()
    assert f"{LONG}," in words
    assert [one for one in words if one.startswith(LONG[:20]) and LONG not in one] == []


def test_without_colour_there_is_none(slow: Workspace) -> None:
    code, written = run(slow, *DOORS["migrate"], NO_COLOR="1")
    assert code == 0
    assert "━" in written
    assert COLOUR.search(written) is None


def test_a_dumb_terminal_gets_plain_lines(slow: Workspace) -> None:
    code, written = run(slow, *DOORS["migrate"], TERM="dumb")
    assert code == 0
    assert "\x1b" not in written
    assert "course: applied 002_step.sql (1.5 s)" in written


def test_where_nobody_looks_there_are_plain_lines(slow: Workspace) -> None:
    done = slow.run("migrate", "--database", "course")
    assert "\x1b" not in done.stdout + done.stderr
    assert "━" not in done.stdout + done.stderr


def test_a_failure_gives_the_terminal_back(workspace: Workspace) -> None:
    workspace.add("001", "SELECT pg_sleep(30);")
    pids: list[int] = []

    def interrupt(said: str) -> None:
        if "statement 1/1" in said and not pids:
            rows = workspace.query(
                "SELECT pg_cancel_backend(pid), pid FROM pg_stat_activity"
                " WHERE query LIKE '%pg_sleep%'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            pids.extend(int(str(row[1])) for row in rows)

    code, written = run(workspace, *DOORS["migrate"], when=interrupt)
    assert code == 1
    assert pids
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert "canceling statement due to user request" in plain(written)


def test_quiet_says_nothing_and_verbose_each_statement(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;\nSELECT 2;", "SELECT 3;")
    done = workspace.run("migrate", "--database", "course", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = workspace.run("rollback", "--database", "course", "--yes", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = workspace.run("migrate", "--database", "course", "-v")
    assert "course: 001_step.sql:5: SELECT 1;\ncourse: 001_step.sql:6: SELECT 2;\n" in done.stdout


def test_many_notices_hold_nothing_up(workspace: Workspace) -> None:
    notices = "DO $$ BEGIN FOR n IN 1 .. 3000 LOOP RAISE NOTICE 'notice %', n; END LOOP; END $$;"
    workspace.add("001", notices)
    code, written = run(workspace, *DOORS["migrate"])
    assert code == 0
    # What moves is drawn anew now and then, and not for each of them.
    assert plain(written).count("NOTICE: notice") == 3000
    assert written.count("course \x1b") < 100
