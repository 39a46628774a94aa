"""Two runs that meet on one database: the one that comes second says what is true."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from scripts.engine.operations import rollback, upgrade
from scripts.errors import LedgerError
from tests.support.doors import asking
from tests.support.interference import another_run
from tests.support.workspace import Recorder, Workspace

pytestmark = pytest.mark.database
ROLLBACK = ("scripts/rollback.py", "--database", "course", "--yes")
ALEMBIC = ("-m", "alembic", "-n", "course", "downgrade")


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Five migrations, applied."""
    workspace.add_tables("001", "002", "003", "004", "005")
    workspace.upgrade()
    return workspace


def together(
    workspace: Workspace,
    *commands: tuple[str, ...],
    meanwhile: Callable[[], None] = lambda: None,
) -> list[tuple[int, str]]:
    """Let commands wait for one lock, then let go; return exit codes and all output.

    Args:
        workspace: where.
        commands: arguments for Python.
        meanwhile: what happens while they wait.
    """
    with another_run(workspace):
        runs = [
            subprocess.Popen(
                [sys.executable, "-u", *command],
                cwd=workspace.root,
                env=workspace.variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for command in commands
        ]
        said = [b""] * len(runs)
        for index, run in enumerate(runs):
            assert run.stdout
            while b"waiting for another run" not in said[index]:
                read = os.read(run.stdout.fileno(), 10000)
                assert read, said[index].decode()
                said[index] += read
        meanwhile()
    ends = []
    for index, run in enumerate(runs):
        rest = run.communicate(timeout=60)[0]
        ends.append((run.returncode, (said[index] + rest).decode()))
    return ends


@pytest.mark.parametrize(
    "commands",
    [
        (ROLLBACK, ROLLBACK),
        (ROLLBACK, (*ALEMBIC, "-1")),
        ((*ALEMBIC, "-1"), (*ALEMBIC, "-1")),
        ((*ROLLBACK, "--use-file"), ROLLBACK),
    ],
    ids=["rollback twice", "rollback and alembic", "alembic twice", "with --use-file"],
)
def test_of_two_rollbacks_of_the_last_migration_one_says_that_it_is_gone(
    applied: Workspace, commands: tuple[tuple[str, ...], ...]
) -> None:
    ends = sorted(together(applied, *commands))
    assert [code for code, _ in ends] == [0, 1], ends
    assert (
        "error:  course is now at 004: another run rolled it back\n"
        "at:     course\n"
        "detail: it was at 005 when this run started\n"
        "state:  nothing was rolled back by this run\n"
    ) in ends[1][1]
    assert applied.versions() == ["001", "002", "003", "004"]
    assert applied.tables() == ["t_001", "t_002", "t_003", "t_004"]


@pytest.mark.parametrize("steps", ["2", "5"])
def test_of_two_rollbacks_of_different_length_the_second_does_nothing(
    applied: Workspace, steps: str
) -> None:
    ends = sorted(together(applied, ROLLBACK, (*ROLLBACK, "--steps", steps)))
    assert [code for code, _ in ends] == [0, 1], ends
    left = applied.versions()
    assert f"course is now at {left[-1] if left else 'base'}: another run" in ends[1][1]
    assert left == ["001", "002", "003", "004"] or len(left) == 5 - int(steps)
    for wrong in ("leave the order", "not a valid downgrade target", "Traceback"):
        assert wrong not in ends[1][1]


def test_two_that_go_back_to_the_same_version_are_both_content(applied: Workspace) -> None:
    ends = together(applied, (*ALEMBIC, "003"), (*ALEMBIC, "003"))
    assert [code for code, _ in ends] == [0, 0], ends
    assert any("nothing is left to do, at 003" in said for _, said in ends)
    assert applied.versions() == ["001", "002", "003"]


@pytest.mark.parametrize("target", ["004", "-1", "003"])
def test_what_happened_while_it_waited_is_said(applied: Workspace, target: str) -> None:
    script = applied.alembic("-n", "course", "downgrade", "005:003", "--sql").stdout

    def meanwhile() -> None:
        psql = (str(applied.bin / "psql"), "-q", applied.urls["course"])
        assert subprocess.run(psql, input=script, text=True, check=False).returncode == 0

    [(code, said)] = together(applied, (*ALEMBIC, target), meanwhile=meanwhile)
    assert applied.versions() == ["001", "002", "003"]
    if target == "003":
        assert (code, "nothing is left to do, at 003" in said) == (0, True)
    else:
        assert code == 1
        assert "course is now at 003: another run rolled it back" in said
        assert "nothing was rolled back by this run" in said


def test_a_rollback_that_was_confirmed_after_another_one_ran_says_so(applied: Workspace) -> None:
    run, terminal = asking(applied)
    applied.downgrade("002")
    os.write(terminal, b"y\n")
    run.wait(60)
    said = os.read(terminal, 10000).decode().replace("\r", "")
    os.close(terminal)
    assert run.returncode == 1
    assert "error:  course is now at 002: another run rolled it back\n" in said
    assert "state:  nothing was rolled back by this run\n" in said
    assert applied.versions() == ["001", "002"]


def test_a_plan_that_found_nothing_to_do_is_held_against_the_database_when_it_is_run(
    applied: Workspace,
) -> None:
    [planned] = upgrade.plan([applied.settings_of()], applied.recorder.notices.append)
    assert planned.is_idle
    applied.downgrade("003")
    upgrade.to(planned.settings, planned.target, applied.recorder, planned.status)
    assert applied.versions() == ["001", "002", "003", "004", "005"]


def test_a_header_that_changed_after_the_preview_is_not_run(applied: Workspace) -> None:
    wanted = rollback.Wanted(use_file=True)
    planned = rollback.plan([applied.settings_of()], wanted, applied.recorder.notices.append)
    [undoing] = planned.undoings
    [path] = (applied.root / "sql/course").glob("005_*")
    path.write_text(f"-- Transaction: none\n{path.read_text()}")
    with pytest.raises(LedgerError, match="changed after the preview"):
        rollback.to(undoing.settings, undoing.target, applied.recorder, undoing.switches)
    assert applied.versions() == ["001", "002", "003", "004", "005"]


def test_one_that_is_gone_before_it_could_be_shown_is_said(applied: Workspace) -> None:
    seen = applied.state()
    applied.downgrade("003")
    with pytest.raises(LedgerError, match="course is now at 003: another run rolled it back"):
        rollback.preview(
            applied.settings_of(), seen, [seen.current], rollback.Wanted(), lambda _: None
        )


@dataclass
class RollsBack(Recorder):
    """Lets another process roll back while a run is between its look and its first step."""

    workspace: Workspace | None = None
    done: list[int] = field(default_factory=list)

    def notice(self, environment: str, text: str) -> None:
        """Roll back to 003 when the run speaks for the first time."""
        super().notice(environment, text)
        if self.workspace and not self.done:
            self.done.append(self.workspace.alembic("-n", "course", "downgrade", "003").returncode)


def test_a_run_that_found_nothing_to_do_does_nothing_whatever_comes_after(
    applied: Workspace,
) -> None:
    applied.remove("005")  # so that the run says something before it begins
    applied.recorder = RollsBack(workspace=applied)
    applied.upgrade()
    assert applied.recorder.done == [0]
    assert applied.recorder.results == []
    assert applied.versions() == ["001", "002", "003"]
