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


def test_one_step_back_above_a_gap_comes_to_what_was_applied_before(twins: Twins) -> None:
    """Alembic counts along the revision files, and would come to one that was never applied."""
    twins.both(gap)
    assert codes(twins, "downgrade -1", "rollback --yes") == [0, 0]
    alembic, scripts = twins.left()
    assert alembic == scripts
    assert twins.alembic.versions() == twins.alembic.alembic_version() == ["001"]


@pytest.mark.parametrize(
    "commands",
    [("downgrade base", "rollback --yes --to base"), ("upgrade head", "migrate")],
    ids=["down", "up"],
)
def test_with_nothing_to_do_nothing_is_made_in_a_new_database(
    twins: Twins, commands: tuple[str, str]
) -> None:
    assert codes(twins, *commands) == [0, 0]
    made = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    for workspace in (twins.alembic, twins.scripts):
        assert workspace.query(f"{made} AND relkind = 'r'") == []


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
def test_with_nothing_to_do_both_say_that_a_file_is_half_applied(
    twins: Twins, commands: tuple[str, str]
) -> None:
    twins.both(half_applied_by_a_newer_release)
    ended = twins.run(*commands)
    assert [one.returncode for one in ended] == [1, 1]
    for one in ended:
        assert "002_step.sql is half applied" in one.stderr
    alembic, scripts = twins.left(["unlogged"])
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
