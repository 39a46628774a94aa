"""status.py says first what matters now; what is old and right is counted, not shown."""

from __future__ import annotations

import json
import re
import signal
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from scripts.errors import StatementError
from tests.support.doors import DOORS, start
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
COURSE = ("--database", "course")


@pytest.fixture
def failed(workspace: Workspace) -> Workspace:
    """Course at 001; 002 has failed."""
    workspace.add_tables("001")
    workspace.add("002", "SELECT 1 / 0;", "SELECT 1;")
    with pytest.raises(StatementError):
        workspace.upgrade()
    return workspace


def status(workspace: Workspace, *options: str) -> str:
    done = workspace.run("status", *COURSE, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_last_failure_is_shown_until_it_is_made_good(failed: Workspace) -> None:
    line = status(failed).splitlines()[2]
    assert re.fullmatch(
        r"  last failure: \d{4}-\S+ \S+ [+-]\d{4}, 002_step.sql line 5: division by zero \[22012\]",
        line,
    )
    [fields] = json.loads(status(failed, "--json"))["databases"]
    assert (fields["last_failure"]["version"], fields["last_failure"]["sqlstate"]) == (
        "002",
        "22012",
    )
    assert fields["server"].startswith("migrator@")
    path = failed.root / "sql/course/002_step.sql"
    path.write_text(path.read_text().replace("1 / 0", "1"))
    failed.upgrade()
    assert "failure" not in status(failed)


def test_a_run_that_waits_is_shown_with_what_it_waits_for(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE t_001 ADD COLUMN b int;", "SELECT 1;")
    with closing(psycopg2.connect(workspace.urls["course"], application_name="shop")) as other:
        other.cursor().execute("LOCK TABLE t_001")
        run = start(workspace, *DOORS["migrate"], environment={"MIGRATION_LOCK_TIMEOUT": "0"})
        until(lambda: "it waits for" in status(workspace), "a run that waits")
        shown = status(workspace).splitlines()
        [fields] = json.loads(status(workspace, "--json"))["databases"]
        other.rollback()
        run.communicate(timeout=30)
        assert run.returncode == 0
    assert re.match(r"  a run is at work, at 002_step.sql: pid \d+ \(upskill-migrations", shown[2])
    assert shown[3] == "  it waits for ACCESS EXCLUSIVE on t_001"
    assert re.match(r"    blocked by pid \d+, user migrator, application shop, idle in", shown[4])
    at_work = fields["at_work"]
    assert at_work["reached"]["filename"] == "002_step.sql"
    assert at_work["waits_for"] == "ACCESS EXCLUSIVE on t_001"
    assert len(at_work["blocked_by"]) == 1
    assert "at work" not in status(workspace)


def test_the_last_ten_are_shown_and_the_rest_is_counted(workspace: Workspace) -> None:
    workspace.add_tables(*(f"{number:03}" for number in range(1, 15)))
    workspace.upgrade()
    workspace.add_tables("015", "016")

    def versions(text: str) -> list[str]:
        return re.findall(r"(?m)^  (\d{3}) ", text)

    shown = status(workspace)
    assert versions(shown) == [f"{number:03}" for number in range(5, 17)]
    assert shown.endswith("  4 more are applied: --all shows them\n")
    assert len(versions(status(workspace, "--all"))) == 16
    assert versions(status(workspace, "--last", "1")) == ["014", "015", "016"]
    assert versions(status(workspace, "--pending")) == ["015", "016"]
    # What is not as it should be is never hidden.
    path = workspace.root / "sql/course/002_step.sql"
    path.write_text(f"-- changed\n{path.read_text()}")
    assert versions(status(workspace, "--pending")) == ["002", "015", "016"]


def test_a_check_has_an_exit_code_for_each_state(workspace: Workspace) -> None:
    def check() -> tuple[int, str]:
        done = workspace.run("status", *COURSE, "--check")
        return done.returncode, done.stderr

    workspace.add_tables("001")
    assert check() == (3, "")
    workspace.upgrade()
    assert check() == (0, "")
    path = workspace.root / "sql/course/001_step.sql"
    before = path.read_text()
    path.write_text(f"-- changed\n{before}")
    code, said = check()
    assert code == 1
    assert said.startswith("error:  a migration file was changed after being applied\nat:  ")
    path.write_text(before)
    up = "CREATE TABLE IF NOT EXISTS a (id int);\nSELECT 1 / 0;"
    workspace.add("002", up, "DROP TABLE IF EXISTS a;", header="-- Transaction: none\n")
    with pytest.raises(StatementError):
        workspace.upgrade()
    code, said = check()
    assert code == 1
    assert "error:  002_step.sql is half applied\n" in said


def test_the_events_of_one_run_are_shown_whole_with_the_reason(failed: Workspace) -> None:
    failed.add_tables("003", environment="auth")
    listed = status(failed, "--events", "1")
    [run] = re.findall(r"[+-]\d{4}  ([0-9a-f]{8})  failure", listed)
    assert "002_step.sql statement 1 line 5 division by zero [22012]" in listed
    whole = status(failed, "--events", "--run", run)
    assert re.match(rf"course: run {run}[0-9a-f]{{24}}\n", whole)
    events = re.findall(rf"  {run}  (\w+) ", whole)
    assert events == ["start", "success", "start", "failure"]
    assert status(failed, "--events", "--run", "nothing") == "course: no run nothing\n"
    done = failed.run("status", "--run", run)
    assert done.returncode == 2
    assert "--run needs --events" in done.stderr


def test_it_is_shown_again_and_again_until_it_is_interrupted(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.add_tables("001")
    out = tmp_path / "out"
    with out.open("w") as file:
        watch = start(workspace, "scripts/status.py", *COURSE, "--watch", "1", stdout=file)
        until(lambda: "0 applied, 1 pending" in out.read_text(), "the first look")
        workspace.upgrade()
        until(lambda: "1 applied, 0 pending" in out.read_text(), "a later look")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == 130
    # Not a terminal: no control codes.
    assert "\033" not in out.read_text()
