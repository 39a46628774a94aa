"""Where the doors do not do the same today, and why: a change here is a change that people notice.

What they only say in other words is listed in tests/support/twins.py, `ALLOWED`.
"""

from __future__ import annotations

import pytest

from tests.support import inside
from tests.support.histories import THREE, back_at_base, gap, tables
from tests.support.twins import Twins
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def codes(twins: Twins, alembic: str, scripts: str) -> list[int]:
    return [one.returncode for one in twins.run(alembic, scripts)]


def test_one_step_back_from_base_is_a_mistake_to_alembic_and_nothing_to_do_for_a_script(
    twins: Twins,
) -> None:
    """One step is what rollback.py does unless told otherwise; `-1` has been asked for."""
    twins.both(back_at_base)
    assert codes(twins, "downgrade -1", "rollback --yes") == [2, 0]
    alembic, scripts = twins.left()
    assert alembic == scripts


def test_up_to_a_version_below_the_databases_is_nothing_to_do_for_alembic_and_refused_by_a_script(
    twins: Twins,
) -> None:
    """Alembic's own rule is that what is there need not be applied; a person meant to go back."""
    twins.both(tables(*THREE, up_to="head"))
    assert codes(twins, "upgrade 001", "migrate --to 1") == [0, 2]
    alembic, scripts = twins.left()
    assert alembic == scripts


def test_versions_in_other_digits_are_taken_by_the_scripts_alone(twins: Twins) -> None:
    """Alembic would take `1` for the beginning of 100 as well, and is not let."""
    twins.both(tables(*THREE))
    assert codes(twins, "upgrade 1", "migrate --to 1") == [2, 0]
    assert (twins.alembic.tables(), twins.scripts.tables()) == ([], ["t_001"])


def test_one_step_back_above_a_gap_is_refused_by_a_script_alone(twins: Twins) -> None:
    """Alembic counts along the revision files, and goes to one that was never applied.

    The script names the version below in the ledger, and the run sees that the files do not lead
    there. The files disagree with the ledger, and Alembic's version does afterwards.
    """
    twins.both(gap)
    assert codes(twins, "downgrade -1", "rollback --yes") == [0, 1]
    assert twins.scripts.versions() == ["001", "003"]
    assert twins.alembic.versions() == ["001"]
    assert twins.alembic.alembic_version() == ["002"]


@pytest.mark.parametrize(
    "commands",
    [("downgrade base", "rollback --yes --to base"), ("upgrade head", "migrate")],
    ids=["down", "up"],
)
def test_with_nothing_to_do_alembic_alone_leaves_a_table_in_a_new_database(
    twins: Twins, commands: tuple[str, str]
) -> None:
    """A script that has nothing to do does not get as far as Alembic, which makes its own table."""
    assert codes(twins, *commands) == [0, 0]
    made = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert twins.alembic.query(f"{made} AND relkind = 'r'") == [("alembic_version",)]
    assert twins.scripts.query(f"{made} AND relkind = 'r'") == []


def half_applied_by_a_newer_release(workspace: Workspace) -> None:
    """Apply a migration in part, and go back to a release that does not have it."""
    workspace.add_tables("001")
    text = "CREATE TABLE IF NOT EXISTS a ();\nSELECT 1/0;"
    workspace.add("002", text, "DROP TABLE IF EXISTS a;", header="-- Transaction: none\n")
    inside.run(workspace, "alembic", "upgrade", "head")
    workspace.remove("002")


@pytest.mark.parametrize(
    "commands",
    [("upgrade head", "migrate"), ("downgrade 001", "rollback --yes --to 1")],
    ids=["up", "down"],
)
def test_with_nothing_to_do_a_script_alone_says_that_a_file_is_half_applied(
    twins: Twins, commands: tuple[str, str]
) -> None:
    """A run with nothing to do takes no lock, and reads no event log; a script has read it."""
    twins.both(half_applied_by_a_newer_release)
    ended = twins.run(*commands)
    assert [one.returncode for one in ended] == [0, 1]
    assert ended[0].stdout + ended[0].stderr == ""
    assert "002_step.sql is half applied" in ended[1].stderr
    alembic, scripts = twins.left()
    assert alembic == scripts


@pytest.mark.parametrize(
    "commands",
    [("downgrade -3", "rollback --yes --steps 3"), ("downgrade 002", "rollback --yes --to 2")],
    ids=["steps", "version"],
)
def test_a_rollback_that_can_not_be_is_wrong_usage_to_a_script_before_it_is_in_the_way_of_a_file(
    twins: Twins, commands: tuple[str, str]
) -> None:
    """A script chooses what to roll back first; Alembic is asked after the half-applied file."""
    twins.both(half_applied_by_a_newer_release)
    assert codes(twins, *commands) == [1, 2]
    assert twins.alembic.versions() == twins.scripts.versions() == ["001"]
