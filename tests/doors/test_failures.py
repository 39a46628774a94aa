"""A failure at each place, through both doors: they leave and say the same, and so when mended."""

from __future__ import annotations

import pytest

from tests.support import inside
from tests.support.histories import prepare
from tests.support.twins import Twins
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
OUTSIDE = "-- Transaction: none\n"
PLACES = {
    "first": "SELECT 1/0;\n{}{}",
    "middle": "{}SELECT 1/0;\n{}",
    "last": "{}{}SELECT 1/0;\n",
}
HEADERS = {"in a transaction": "", "outside a transaction": OUTSIDE}
DROPS_THE_LEDGER = "DO $$ BEGIN EXECUTE 'DROP TABLE schema_' || 'migrations'; END $$;"
FAILS_AT_COMMIT = (
    "CREATE TABLE a (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1), (1);"
)
CONSTRAINT_TRIGGER = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'not on a Sunday'; END $$;
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON a DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def refused(twins: Twins, commands: tuple[str, str], *allowed: str, says: str = "") -> None:
    """Run a command that has to fail, and hold both doors beside each other."""
    ended = twins.run(*commands)
    assert [one.returncode for one in ended] == [1, 1], ended
    assert all(says in one.stderr for one in ended), ended
    equal(twins, twins.words(ended, allowed), twins.left(allowed))


def equal(twins: Twins, *pairs: tuple[list[str], list[str]]) -> None:
    """Hold what is of Alembic's door beside what is of the script."""
    for alembic, scripts in pairs:
        assert alembic == scripts


def half_applied(workspace: Workspace) -> None:
    """Apply a migration outside a transaction whose second statement fails."""
    text = "CREATE TABLE IF NOT EXISTS a ();\nSELECT 1/0;"
    workspace.add_tables("001")
    workspace.add("002", text, "DROP TABLE IF EXISTS a;", header=OUTSIDE)
    inside.run(workspace, "alembic", "upgrade", "head")


def failing(place: str, one: str, two: str) -> str:
    return PLACES[place].format(f"{one}\n", f"{two}\n")


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
@pytest.mark.parametrize("place", PLACES)
def test_a_statement_of_up_fails(twins: Twins, place: str, header: str) -> None:
    text = failing(place, "CREATE TABLE IF NOT EXISTS a ();", "CREATE TABLE IF NOT EXISTS b ();")

    def given(workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", text, "DROP TABLE a, b;", header=header)
        workspace.add_tables("003")

    twins.both(given)
    refused(twins, ("upgrade head", "migrate"), says="division by zero")
    assert twins.alembic.versions() == ["001"]


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
@pytest.mark.parametrize("place", PLACES)
def test_a_statement_of_down_fails(twins: Twins, place: str, header: str) -> None:
    text = failing(place, "DROP TABLE IF EXISTS a;", "DROP TABLE IF EXISTS b;")

    def given(workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE a ();\nCREATE TABLE b ();", text, header=header)
        workspace.add_tables("003")
        prepare(workspace, "alembic", "upgrade", "head")

    twins.both(given)
    commands = ("downgrade base", "rollback --yes --to base")
    refused(twins, commands, "preview", says="division by zero")
    assert twins.alembic.versions() == ["001", "002"]


def test_a_failed_file_is_mended_and_goes_on(twins: Twins) -> None:
    def given(workspace: Workspace) -> None:
        path = workspace.add("001", "CREATE TABLE IF NOT EXISTS a ();\nSELECT 1/0;", header=OUTSIDE)
        inside.run(workspace, "alembic", "upgrade", "head")
        path.write_text(path.read_text().replace("1/0", "1/1"))

    twins.both(given)
    ended = twins.run("upgrade head", "migrate")
    assert [one.returncode for one in ended] == [0, 0]
    equal(twins, twins.words(ended), twins.left())
    assert twins.alembic.versions() == ["001"]


def test_a_half_applied_file_is_rolled_back(twins: Twins) -> None:
    twins.both(half_applied)
    ended = twins.run("-x partial=002 downgrade 001", "rollback --yes --partial")
    assert [one.returncode for one in ended] == [0, 0], ended
    equal(twins, twins.words(ended, ["preview"]), twins.left())
    assert twins.alembic.tables() == ["t_001"]


@pytest.mark.parametrize(
    "commands",
    [("downgrade -1", "rollback --yes"), ("downgrade base", "rollback --yes --to base")],
    ids=["down by one", "down to base"],
)
def test_nothing_is_rolled_back_below_a_half_applied_file(
    twins: Twins, commands: tuple[str, str]
) -> None:
    twins.both(half_applied)
    refused(twins, commands, "unlogged", says="002_step.sql is half applied")
    assert twins.alembic.versions() == ["001"]


def test_a_migration_drops_the_ledger_behind_a_do_block(twins: Twins) -> None:
    def given(workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", f"CREATE TABLE a ();\n{DROPS_THE_LEDGER}")

    twins.both(given)
    refused(twins, ("upgrade head", "migrate"), says="002_step.sql")
    assert twins.alembic.versions() == ["001"]


def test_a_rollback_drops_the_ledger_behind_a_do_block(twins: Twins) -> None:
    def given(workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", "CREATE TABLE a ();", f"DROP TABLE a;\n{DROPS_THE_LEDGER}")
        prepare(workspace, "alembic", "upgrade", "head")

    twins.both(given)
    refused(twins, ("downgrade -1", "rollback --yes"), "preview", says="002_step.sql")
    assert twins.alembic.versions() == ["001", "002"]


def test_the_commit_of_a_migration_fails(twins: Twins) -> None:
    def given(workspace: Workspace) -> None:
        workspace.add_tables("001")
        workspace.add("002", FAILS_AT_COMMIT)

    twins.both(given)
    refused(twins, ("upgrade head", "migrate"), says="23505")
    assert twins.alembic.versions() == ["001"]


def test_the_commit_of_a_rollback_fails(twins: Twins) -> None:
    def given(workspace: Workspace) -> None:
        workspace.query(f"CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);{CONSTRAINT_TRIGGER}")
        workspace.add("001", "SELECT 1;", "DELETE FROM a;")
        prepare(workspace, "alembic", "upgrade", "head")

    twins.both(given)
    refused(twins, ("downgrade base", "rollback --yes --to base"), "preview", says="P0001")
    assert twins.alembic.versions() == ["001"]
