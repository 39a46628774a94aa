"""Ctrl-C and SIGTERM: the statement is cancelled at the server, and the message tells the rest."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import closing

import pytest

from tests.support.doors import DOORS, start
from tests.support.interference import backend
from tests.support.servers import ASLEEP, PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
PAUSES = """
from alembic.config import main
from scripts.engine.execution import retry
retry._FIRST_PAUSE = retry._LONGEST_PAUSE = 20 * 60.0
main(["-n", "course", "upgrade", "head"])
"""


def interrupted(workspace: Workspace, door: str, number: signal.Signals) -> tuple[int, str]:
    """Start a run, send it a signal once it sleeps at the server, return how it ended."""
    run = start(workspace, *DOORS[door])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    run.send_signal(number)
    said = run.communicate(timeout=PATIENCE)[0]
    until(lambda: not workspace.query(backend("true")), "the backends to go")
    return run.returncode, said


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_statement_is_cancelled_and_rolled_back(
    workspace: Workspace, door: str, number: signal.Signals
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
    code, said = interrupted(workspace, door, number)
    assert code == 128 + number
    assert (
        f"error:  interrupted by {number.name}\nat:     course: sql/course/002_step.sql:6" in said
    )
    assert "canceling statement due to user request [57014]" in said
    assert "state:  rolled back; course is at 001" in said
    assert "Traceback" not in said
    assert workspace.tables() == ["t_001"]
    assert workspace.versions() == ["001"]
    [(event, error)] = workspace.query(
        "SELECT event, error FROM schema_migrations_events ORDER BY id DESC LIMIT 1"
    )
    assert event == "failure"
    assert number.name in error


def test_outside_a_transaction_the_message_says_what_has_taken_effect(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int);\nSELECT pg_sleep(600);",
        header="-- Transaction: none\n",
    )
    code, said = interrupted(workspace, "migrate", signal.SIGTERM)
    assert code == 143
    assert "NOT rolled back" in said
    assert "1 of its 2 statements took effect" in said


def test_a_run_that_waits_for_another_one_goes_at_once(workspace: Workspace) -> None:
    workspace.add("001", "SELECT pg_sleep(600);")
    first = start(workspace, *DOORS["migrate"])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    second = start(workspace, *DOORS["alembic"])
    assert second.stdout
    assert "waiting for another run" in second.stdout.readline()
    second.terminate()
    said = second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 143
    assert "error:  interrupted by SIGTERM" in said
    assert "state:  nothing was changed" in said
    first.terminate()
    first.communicate(timeout=PATIENCE)


def test_a_run_that_waits_to_try_again_goes_at_once(workspace: Workspace) -> None:
    workspace.add("001", "DO $$ BEGIN RAISE 'no lock' USING ERRCODE = '55P03'; END $$;")
    run = start(workspace, "-c", PAUSES)
    assert run.stdout
    assert "1 migration to apply on" in run.stdout.readline()
    assert "(attempt 2 of 11)" in run.stdout.readline()
    run.terminate()
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 143
    assert "state:  rolled back; course is at base" in said


@pytest.mark.parametrize("header", ["", "-- Transaction: none\n"], ids=["inside", "outside"])
def test_the_ledger_s_row_is_cancelled_too(workspace: Workspace, header: str) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;"
        "CREATE TRIGGER slow BEFORE INSERT ON schema_migrations"
        " FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    workspace.add("002", "CREATE TABLE IF NOT EXISTS a (id int);", header=header)
    run = start(workspace, *DOORS["migrate"])
    writing = f"{ASLEEP} AND query LIKE '%INSERT INTO %schema_migrations%'"
    until(lambda: workspace.query(writing), "the ledger to be written")
    run.send_signal(signal.SIGTERM)
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 143
    assert "interrupted by SIGTERM" in said
    assert "Traceback" not in said
    assert workspace.tables() == (["a", "t_001"] if header else ["t_001"])
    if header:
        assert "all of its statements took effect, but the ledger does not list it" in said
    else:
        assert "state:  rolled back; course is at 001" in said


def test_a_server_that_does_not_answer_is_not_waited_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_CONNECT_TIMEOUT", "20min")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent.settimeout(PATIENCE)
        workspace.urls = {"course": f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/c"}
        run = start(workspace, *DOORS["alembic"])
        with closing(silent.accept()[0]):
            run.terminate()
            said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 143
    assert "error:  interrupted by SIGTERM" in said
    assert "state:  nothing was changed" in said


def test_a_deferred_constraint_that_takes_long_at_the_commit_is_cancelled(
    workspace: Workspace,
) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int);\n"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;\n"
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION f();\n"
        "INSERT INTO a VALUES (1);",
    )
    run = start(workspace, *DOORS["migrate"])
    committing = f"{ASLEEP} AND query = 'COMMIT'"
    until(lambda: workspace.query(committing), "the commit to run")
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 130
    assert "state:  rolled back; course is at base" in said
    assert workspace.tables() == []


def test_a_program_that_embeds_a_run_keeps_its_own_handlers(workspace: Workspace) -> None:
    workspace.add_tables("001")
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    workspace.upgrade()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    workspace.add_tables("002")
    thread = threading.Thread(target=workspace.upgrade)
    thread.start()
    thread.join(30)
    assert workspace.versions() == ["001", "002"]


def test_sighup_does_what_sigterm_does(workspace: Workspace) -> None:
    workspace.add("001", "SELECT pg_sleep(600);")
    code, said = interrupted(workspace, "migrate", signal.SIGHUP)
    assert code == 129
    assert "error:  interrupted by SIGHUP\nat:     course: sql/course/001_step.sql:5" in said


@pytest.mark.parametrize("door", DOORS)
def test_where_sighup_is_ignored_from_the_start_it_stays_so(
    workspace: Workspace, door: str
) -> None:
    workspace.add("001", "SELECT pg_sleep(1);")
    nohup = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    nohup += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    run = start(workspace, "-c", nohup, *DOORS[door])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    run.send_signal(signal.SIGHUP)
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 0, said
    assert workspace.versions() == ["001"]


@pytest.mark.parametrize("door", DOORS)
def test_two_signals_close_together_end_as_one_does(workspace: Workspace, door: str) -> None:
    workspace.add("001", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);")
    run = start(workspace, *DOORS[door])
    until(lambda: workspace.query(ASLEEP), "the statement to run")
    run.send_signal(signal.SIGTERM)
    time.sleep(0.02)  # what a supervisor and a terminal send one after the other
    run.send_signal(signal.SIGTERM)
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 143
    assert "error:  interrupted by SIGTERM\nat:     course: sql/course/001_step.sql:6" in said
    assert "state:  rolled back; course is at base" in said
    until(lambda: not workspace.query(backend("true")), "the backends to go")
