"""Both doors, interrupted while a statement runs, and one beside the other."""

from __future__ import annotations

import signal
from subprocess import CompletedProcess, Popen

import pytest

from tests.support import twins as pair
from tests.support.histories import prepare
from tests.support.interference import backend
from tests.support.servers import ASLEEP, PATIENCE, until
from tests.support.twins import Twins
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
UP, DOWN = ("upgrade head", "migrate"), ("downgrade 001", "rollback --yes --to 1")
IF_CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM gate) THEN PERFORM pg_sleep(600); END IF;
END $$;
"""
"""Sleeps for good where the table has a row: whatever interrupts it finds it at one place."""
WHILE_CLOSED = """
DO $$ BEGIN
    WHILE EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.05); END LOOP;
END $$;
"""
"""Sleeps as long as the table has a row."""
HEADERS = {"in a transaction": "", "outside a transaction": "-- Transaction: none\n"}


@pytest.fixture(params=HEADERS.values(), ids=list(HEADERS))
def header(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def gated(workspace: Workspace, header: str = "", sleep: str = WHILE_CLOSED) -> None:
    """Write migrations whose second one, up and down, makes something and then sleeps."""
    workspace.query("CREATE TABLE gate ();\nINSERT INTO gate DEFAULT VALUES")
    workspace.add_tables("001")
    workspace.add(
        "002",
        f"CREATE TABLE IF NOT EXISTS a ();{sleep}",
        f"DROP TABLE IF EXISTS a;{sleep}",
        header=header,
    )
    workspace.add_tables("003")


def gated_applied(workspace: Workspace, header: str = "", sleep: str = WHILE_CLOSED) -> None:
    """Apply them, and close the gate."""
    gated(workspace, header, sleep)
    open_gate(workspace)
    prepare(workspace, "alembic", "upgrade", "head")
    workspace.query("INSERT INTO gate DEFAULT VALUES")


def open_gate(workspace: Workspace) -> None:
    workspace.query("DELETE FROM gate")


def asleep(workspace: Workspace) -> None:
    until(lambda: workspace.query(ASLEEP), "the statement to run")


def gone(workspace: Workspace) -> None:
    until(lambda: not workspace.query(backend("true")), "the backends to go")


def reach(run: Popen[str], words: str) -> str:
    """Wait until a run says something; return all that it has said."""
    assert run.stdout
    said = ""
    while words not in said:
        line = run.stdout.readline()
        assert line, said
        said += line
    return said


def end(run: Popen[str], said: str = "") -> CompletedProcess[str]:
    """Wait for a run to end; return it with all that it said, of which some has been read."""
    said += run.communicate(timeout=PATIENCE)[0]
    return CompletedProcess(run.args, run.returncode, said, "")


def interrupted(
    twins: Twins, commands: tuple[str, str], number: signal.Signals
) -> tuple[CompletedProcess[str], CompletedProcess[str]]:
    """Start a command through both doors, and send each a signal once it sleeps at the server."""
    runs = (
        pair.started(twins.alembic, "alembic", commands[0]),
        pair.started(twins.scripts, "scripts", commands[1]),
    )
    twins.both(asleep)
    for run in runs:
        run.send_signal(number)
    ended = end(runs[0]), end(runs[1])
    twins.both(gone)
    return ended


def test_killed_in_up_and_run_again(twins: Twins, header: str) -> None:
    twins.both(lambda workspace: gated(workspace, header, IF_CLOSED))
    killed = interrupted(twins, UP, signal.SIGKILL)
    alembic, scripts = twins.words(killed)
    assert alembic == scripts
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == ["001"]
    twins.both(open_gate)
    again_and_equal(twins, UP, ["001", "002", "003"])


def test_killed_in_down_and_run_again(twins: Twins, header: str) -> None:
    twins.both(lambda workspace: gated_applied(workspace, header, IF_CLOSED))
    killed = interrupted(twins, DOWN, signal.SIGKILL)
    assert [one.returncode for one in killed] == [-signal.SIGKILL] * 2
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == ["001", "002"]
    twins.both(open_gate)
    again_and_equal(twins, DOWN, ["001"], "preview")


def again_and_equal(
    twins: Twins, commands: tuple[str, str], versions: list[str], *allowed: str
) -> None:
    """Run a command through both doors to its end."""
    ended = twins.run(*commands)
    alembic, scripts = twins.words(ended, allowed)
    assert alembic == scripts
    assert [one.returncode for one in ended] == [0, 0]
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == versions


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_in_up(twins: Twins, header: str, number: signal.Signals, code: int) -> None:
    twins.both(lambda workspace: gated(workspace, header, IF_CLOSED))
    ended = interrupted(twins, UP, number)
    alembic, scripts = twins.words(ended)
    assert alembic == scripts
    assert [one.returncode for one in ended] == [code, code]
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == ["001"]


def test_a_signal_in_down(twins: Twins, header: str) -> None:
    twins.both(lambda workspace: gated_applied(workspace, header, IF_CLOSED))
    ended = interrupted(twins, DOWN, signal.SIGTERM)
    alembic, scripts = twins.words(ended, ["preview"])
    assert alembic == scripts
    assert [one.returncode for one in ended] == [143, 143]
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == ["001", "002"]


Ended = tuple[CompletedProcess[str], CompletedProcess[str]]


def beside(twins: Twins, commands: tuple[str, str]) -> Ended:
    """Run a command while the other door is at it; return how those ended that had to wait.

    Args:
        twins: what Alembic's door waits for in its own project, a script does; and the other way.
        commands: of Alembic's door, and of the script.
    """
    first = (
        pair.started(twins.alembic, "scripts", commands[1]),
        pair.started(twins.scripts, "alembic", commands[0]),
    )
    twins.both(asleep)
    second = (
        pair.started(twins.alembic, "alembic", commands[0]),
        pair.started(twins.scripts, "scripts", commands[1]),
    )
    said = [reach(run, "waiting for another run") for run in second]
    twins.both(open_gate)
    assert [end(run).returncode for run in first] == [0, 0]
    return (end(second[0], said[0]), end(second[1], said[1]))


def test_each_door_waits_for_the_run_of_the_other_and_has_nothing_left_to_do(twins: Twins) -> None:
    twins.both(gated)
    ended = beside(twins, UP)
    alembic, scripts = twins.words(ended)
    assert alembic == scripts
    assert len(alembic) == 2  # that it waits, and that nothing is left
    assert [one.returncode for one in ended] == [0, 0]
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == ["001", "002", "003"]


def test_each_door_waits_for_the_rollback_of_the_other_and_a_script_alone_calls_it_an_error(
    twins: Twins,
) -> None:
    """What rollback.py had shown is not there any more; Alembic was asked for a version alone."""
    twins.both(gated_applied)
    ended = beside(twins, DOWN)
    assert [one.returncode for one in ended] == [0, 1]
    assert "another run rolled it back" in ended[1].stdout
    assert twins.alembic.versions() == twins.scripts.versions() == ["001"]
    assert twins.alembic.tables() == twins.scripts.tables() == ["gate", "t_001"]
