"""Files that get another number or name after they were applied."""

from __future__ import annotations

import json

import pytest

from scripts.errors import LedgerError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """001, and 002_add_reviews.sql, applied."""
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE reviews ();", "-- DROP TABLE reviews;", slug="add_reviews")
    workspace.upgrade()
    return workspace


def rename(
    workspace: Workspace, before: str, after: str, *, below: str = "002", inside: bool = True
) -> None:
    """Rename a migration's two files, and what stands in them, as it is done before a merge."""
    sql = workspace.root / "sql/course"
    revisions = workspace.root / "course/versions"
    text = (sql / f"{before}.sql").read_text()
    (sql / f"{before}.sql").unlink()
    (sql / f"{after}.sql").write_text(text.replace(before, after) if inside else text)
    (revisions / f"{before}.py").unlink()
    (revisions / f"{after}.py").write_text(
        "from scripts.engine.revision import migration\n"
        f"revision = '{after.partition('_')[0]}'\ndown_revision = '{below}'\n"
        "upgrade, downgrade = migration(__file__)\n"
    )


@pytest.mark.parametrize("inside", [True, False], ids=["name in the file too", "file only"])
@pytest.mark.parametrize("door", ["migrate", "alembic"])
def test_another_number_is_said_and_not_run_a_second_time(
    applied: Workspace, door: str, inside: bool
) -> None:
    rename(applied, "002_add_reviews", "003_add_reviews", below="001", inside=inside)
    done = (
        applied.run("migrate", "--database", "course")
        if door == "migrate"
        else applied.alembic("-n", "course", "upgrade", "head")
    )
    assert done.returncode == 1
    assert (
        "error:  002 was applied as 002_add_reviews.sql, whose text is now "
        "003_add_reviews.sql\n"
        "at:     course\n"
        "state:  nothing was changed; course is at 002\n"
        "help:   rename it back: sql/course/003_add_reviews.sql to 002_add_reviews.sql, and "
        "course/versions/003_add_reviews.py to 002_add_reviews.py, with the name and the numbers "
        "in both as they were; or have its row follow it: `python scripts/repair.py`\n"
    ) in done.stderr
    assert applied.versions() == ["001", "002"]


def test_what_the_error_says_mends_it(applied: Workspace) -> None:
    rename(applied, "002_add_reviews", "003_add_reviews", below="001")
    with pytest.raises(LedgerError, match="002 was applied as 002_add_reviews"):
        applied.upgrade()
    rename(applied, "003_add_reviews", "002_add_reviews", below="001")
    applied.add_tables("003")
    applied.upgrade()
    assert applied.versions() == ["001", "002", "003"]


def test_a_number_that_another_file_took_is_not_called_a_changed_file(applied: Workspace) -> None:
    rename(applied, "002_add_reviews", "003_add_reviews")
    applied.add("002", "CREATE TABLE coupons ();", "-- DROP TABLE coupons;", slug="add_coupons")
    (applied.root / "course/versions/002_add_coupons.py").write_text(
        (applied.root / "course/versions/002_add_coupons.py").read_text().replace('"003"', '"001"')
    )
    with pytest.raises(LedgerError) as caught:
        applied.upgrade()
    assert caught.value.what == (
        "002 was applied as 002_add_reviews.sql, whose text is now 003_add_reviews.sql"
    )
    assert "002_add_coupons.sql gets the next free number" in caught.value.hint
    assert caught.value.hint.endswith("python scripts/rollback.py --database course --to 001")
    # The second way out.
    done = applied.run("rollback", "--database", "course", "--to", "001", "--yes")
    assert done.returncode == 0, done.stderr
    applied.upgrade()
    assert applied.versions() == ["001", "002", "003"]
    assert {"coupons", "reviews"} <= set(applied.tables())


def test_no_rollback_is_advised_where_it_would_take_a_later_migration_with_it(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE grants ();", "-- DROP TABLE grants;", slug="grants")
    workspace.add_tables("003")
    workspace.upgrade()
    rename(workspace, "002_grants", "004_grants", below="003")
    workspace.add("002", "CREATE TABLE coupons ();", "-- DROP TABLE coupons;", slug="coupons")
    revision = workspace.root / "course/versions/002_coupons.py"
    revision.write_text(revision.read_text().replace('"004"', '"001"'))
    with pytest.raises(LedgerError, match="002 was applied as 002_grants") as caught:
        workspace.upgrade()
    assert "002_coupons.sql gets the next free number" in caught.value.hint
    assert "rollback" not in caught.value.hint


def test_a_changed_file_whose_old_text_a_new_one_has_is_called_changed(applied: Workspace) -> None:
    path = applied.root / "sql/course/002_add_reviews.sql"
    later = applied.add("003", "SELECT 1;")
    later.write_text(path.read_text())
    path.write_text(path.read_text() + "-- more\n")
    with pytest.raises(LedgerError, match="a migration file was changed after being applied"):
        applied.upgrade()


def test_a_lower_number_is_not_called_a_migration_that_was_left_out(workspace: Workspace) -> None:
    workspace.add_tables("001", "005")
    workspace.upgrade()
    rename(workspace, "005_step", "003_step", below="001")
    with pytest.raises(LedgerError) as caught:
        workspace.upgrade()
    assert caught.value.what == ("005 was applied as 005_step.sql, whose text is now 003_step.sql")


def test_two_that_changed_places_are_both_named(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a ();", slug="a")
    workspace.add("002", "CREATE TABLE b ();", slug="b")
    workspace.upgrade()
    rename(workspace, "001_a", "003_a", below="002")
    rename(workspace, "002_b", "001_b")
    rename(workspace, "003_a", "002_a", below="001")
    text = (workspace.root / "course/versions/001_b.py").read_text()
    (workspace.root / "course/versions/001_b.py").write_text(text.replace("'002'", "None"))
    with pytest.raises(LedgerError) as caught:
        workspace.upgrade()
    assert "001 was applied as 001_a.sql, whose text is now 002_a.sql" in str(caught.value)
    assert "002 was applied as 002_b.sql, whose text is now 001_b.sql" in str(caught.value)
    assert "next free number" not in str(caught.value)


def test_another_name_with_the_same_number_and_text_is_the_same_migration(
    applied: Workspace,
) -> None:
    rename(applied, "002_add_reviews", "002_reviews", below="001", inside=False)
    assert applied.run("migrate").returncode == 0
    shown = applied.run("status", "--database", "course").stdout
    assert "002_add_reviews.sql, now 002_reviews.sql" in shown
    assert "CHANGED" not in shown
    assert applied.run("rollback", "--database", "course", "--yes").returncode == 0
    assert applied.versions() == ["001"]


def test_another_name_that_stands_in_the_file_too_is_not_called_a_changed_file(
    applied: Workspace,
) -> None:
    rename(applied, "002_add_reviews", "002_reviews", below="001")
    with pytest.raises(LedgerError) as caught:
        applied.upgrade()
    assert caught.value.what == (
        "002 was applied as 002_add_reviews.sql, whose text is now 002_reviews.sql"
    )


def test_a_file_whose_sql_changed_is_still_called_changed(applied: Workspace) -> None:
    path = applied.root / "sql/course/002_add_reviews.sql"
    path.write_text(path.read_text() + "-- more\n")
    with pytest.raises(LedgerError, match="a migration file was changed after being applied"):
        applied.upgrade()


def test_a_later_file_with_the_text_of_an_earlier_one_is_another_migration(
    applied: Workspace,
) -> None:
    text = (applied.root / "sql/course/001_step.sql").read_text()
    path = applied.add("003", "SELECT 1;")
    path.write_text(text)
    applied.upgrade()
    assert applied.versions() == ["001", "002", "003"]
    applied.remove("003")
    assert [one.row.version for one in applied.state().ahead] == ["003"]
    assert applied.state().renamed == ()
    applied.upgrade()


def test_status_and_validate_say_it(applied: Workspace) -> None:
    rename(applied, "002_add_reviews", "003_add_reviews", below="001")
    shown = applied.run("status", "--database", "course")
    assert "\n  at 002, 2 applied, 1 pending, 1 renamed since applied" in shown.stdout
    assert "002_add_reviews.sql, now 003_add_reviews.sql" in shown.stdout
    [course] = json.loads(applied.run("status", "--database", "course", "--json").stdout)[
        "databases"
    ]
    assert [one["renamed_to"] for one in course["applied"]] == [None, "003_add_reviews.sql"]
    found = applied.run("validate", "--live", "--database", "course", "--select", "live").stdout
    assert "002 was applied as 002_add_reviews.sql, whose text is now 003_add_reviews.sql" in found
    assert "deploy the release that has it" not in found
    assert "has not applied" not in found
