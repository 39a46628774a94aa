"""Options and settings that are wrong are refused before anything runs, with what was meant."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
BOTH = ("--database", "course", "--database", "auth")


@pytest.fixture
def both(workspace: Workspace) -> Workspace:
    """Auth at 002, course at 003."""
    workspace.add_tables("001", "002", environment="auth")
    workspace.add_tables("001", "002", "003")
    workspace.upgrade(environment="auth")
    workspace.upgrade()
    return workspace


class TestSteps:
    """rollback.py --steps N, with fewer applied."""

    def test_more_than_are_applied_over_both_is_refused_with_how_many_there_are(
        self, both: Workspace
    ) -> None:
        done = both.run("rollback", "--steps", "99", "--yes")
        assert done.returncode == 2
        assert done.stderr == (
            "error:  --steps 99 is more than the 5 that are applied\n"
            "detail: auth is at 002, 2 applied\n"
            "        course is at 003, 3 applied\n"
            "state:  nothing was rolled back\n"
            "help:   --steps 5 rolls back all of them\n"
        )
        assert (both.versions("auth"), both.versions()) == (["001", "002"], ["001", "002", "003"])

    def test_more_than_are_applied_in_the_one_database_is_refused(self, both: Workspace) -> None:
        done = both.run("rollback", "--database", "auth", "--steps", "3", "--yes")
        assert done.returncode == 2
        assert "--steps 3 is more than the 2 that are applied" in done.stderr
        assert both.versions("auth") == ["001", "002"]

    def test_as_many_as_are_applied_are_rolled_back(self, both: Workspace) -> None:
        done = both.run("rollback", "--steps", "5", "--yes")
        assert done.returncode == 0, done.stderr
        assert both.versions("auth") == both.versions() == []

    def test_alembic_refuses_as_well(self, both: Workspace) -> None:
        done = both.alembic("-n", "course", "downgrade", "-99")
        assert done.returncode == 2
        assert "didn't produce 99 migrations" in done.stderr
        assert both.versions() == ["001", "002", "003"]


class TestSeveralDatabases:
    """--database given more than once."""

    def test_migrate_takes_them_in_their_order(self, workspace: Workspace) -> None:
        workspace.add_tables("001", environment="auth")
        workspace.add_tables("001")
        done = workspace.run("migrate", *BOTH)
        assert done.returncode == 0, done.stderr
        lines = [one.partition(" (")[0] for one in done.stdout.splitlines() if ".sql" in one]
        assert lines == ["course: applied 001_step.sql", "auth: applied 001_step.sql"]

    def test_status_shows_them_in_their_order(self, both: Workspace) -> None:
        found = json.loads(both.run("status", *BOTH, "--json").stdout)["databases"]
        assert [one["database"] for one in found] == ["course", "auth"]

    def test_validate_looks_at_each(self, both: Workspace) -> None:
        done = both.run("validate", *BOTH)
        assert "0 errors in 5 migrations. Released files" in done.stdout

    def test_a_rollback_takes_the_one_applied_last_among_them(self, both: Workspace) -> None:
        both.query("UPDATE schema_migrations SET applied_at = now() + interval '1 hour'", "auth")
        done = both.run("rollback", *BOTH, "--yes")
        assert done.returncode == 0, done.stderr
        assert (both.versions("auth"), both.versions()) == (["001"], ["001", "002", "003"])

    @pytest.mark.parametrize("command", ["migrate", "rollback", "status", "validate"])
    def test_the_same_one_twice_is_said(self, both: Workspace, command: str) -> None:
        done = both.run(command, "--database", "auth", "--database", "auth")
        assert done.returncode == 2
        assert "--database auth is given more than once" in done.stderr
        assert both.versions("auth") == ["001", "002"]

    def test_a_rollback_to_a_version_takes_one(self, both: Workspace) -> None:
        done = both.run("rollback", *BOTH, "--to", "1", "--yes")
        assert done.returncode == 2
        assert "--to takes one --database, not 2: course, auth" in done.stderr
        assert both.versions() == ["001", "002", "003"]

    def test_a_new_migration_belongs_to_one(self, workspace: Workspace) -> None:
        done = workspace.run("create", *BOTH, "--name", "first")
        assert done.returncode == 2
        assert "create.py takes one --database, not 2: course, auth" in done.stderr
        assert list((workspace.root / "sql").rglob("*.sql")) == []


def test_since_beyond_the_last_version_names_it_for_each_environment(both: Workspace) -> None:
    done = both.run("validate", "--since", "99")
    assert done.returncode == 2
    assert done.stderr == (
        "error:  --since 99 is above the last version: no migration would be checked\n"
        "detail: auth: last version 002\n"
        "        course: last version 003\n"
        "help:   give the last version that needs no check\n"
    )


def test_since_may_be_beyond_the_last_version_of_one_of_them(both: Workspace) -> None:
    assert "0 errors in 1 migration. " in both.run("validate", "--since", "2").stdout
    done = both.run("validate", "--since", "3", "--database", "auth")
    assert (done.returncode, "auth: last version 002" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MIGRATION_LOCK_TIMEOUT", "5", "write MIGRATION_LOCK_TIMEOUT=5s or"),
        ("MIGRATION_LOCK_TIMOUT", "5s", "did you mean MIGRATION_LOCK_TIMEOUT?"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("scripts/migrate.py",),
        ("scripts/rollback.py", "--yes"),
        ("scripts/status.py",),
        ("-m", "alembic", "-n", "course", "upgrade", "head"),
        ("-m", "alembic", "-n", "course", "upgrade", "head", "--sql"),
    ],
    ids=["migrate", "rollback", "status", "alembic", "alembic --sql"],
)
def test_a_setting_that_is_not_what_it_seems_stops_every_command(
    workspace: Workspace, command: tuple[str, ...], name: str, value: str, said: str
) -> None:
    workspace.add_tables("001")
    done = workspace.execute(sys.executable, *command, environment={name: value})
    assert done.returncode == 2
    assert said in done.stderr
    assert workspace.tables() == []


class TestTimeoutsInFiles:
    """A header's timeout without a unit: refused where it is new, read where it was applied."""

    @pytest.mark.parametrize("door", ["migrate", "alembic"])
    def test_a_pending_file_is_refused_before_anything_runs(
        self, workspace: Workspace, door: str
    ) -> None:
        workspace.add_tables("001")
        workspace.add("002", "SELECT 1;", header="-- Lock-Timeout: 5\n")
        done = (
            workspace.run("migrate")
            if door == "migrate"
            else workspace.alembic("-n", "course", "upgrade", "head")
        )
        assert done.returncode == 1
        assert "Lock-Timeout: '5' has no unit" in done.stderr
        assert "write '-- Lock-Timeout: 5s' or '-- Lock-Timeout: 5ms'" in done.stderr
        assert workspace.tables() == []

    @pytest.mark.parametrize("options", [(), ("--use-file",)], ids=["stored", "file"])
    def test_one_that_was_applied_can_be_rolled_back(
        self, workspace: Workspace, options: tuple[str, ...]
    ) -> None:
        path = workspace.add("001", "CREATE TABLE a ();", "-- DROP TABLE a;")
        path.write_text("-- Lock-Timeout: 5000ms\n" + path.read_text())
        workspace.upgrade()
        # As a run did that took 5000 for milliseconds.
        path.write_text(path.read_text().replace("5000ms", "5000"))
        [(now,)] = workspace.query(f"SELECT encode(sha256('{path.read_text()}'), 'hex')")
        workspace.query(f"UPDATE schema_migrations SET checksum = '{now}'")
        done = workspace.run("rollback", "--database", "course", "--yes", *options)
        assert done.returncode == 0, done.stderr
        assert workspace.tables() == []


class TestEmptyValues:
    """`--to "$VERSION"` in a script that has not set it."""

    @pytest.mark.parametrize(
        "command",
        [
            ("rollback", "--database", "course", "--yes", "--to"),
            ("rollback", "--yes", "--database"),
            ("migrate", "--database", "course", "--to"),
            ("migrate", "--database", "course", "--file"),
            ("migrate", "--database"),
            ("status", "--database"),
            ("validate", "--since"),
            ("validate", "--base"),
        ],
        ids=" ".join,
    )
    @pytest.mark.parametrize("value", ["", " "], ids=["empty", "blank"])
    def test_are_refused_and_not_taken_for_left_out(
        self, both: Workspace, command: tuple[str, ...], value: str
    ) -> None:
        both.add_tables("004")
        done = both.run(*command, value)
        assert done.returncode == 2
        assert f"error: {command[-1]} is empty; leave the option out" in done.stderr
        assert both.versions() == ["001", "002", "003"]


@pytest.mark.parametrize(
    "two",
    [
        ("--steps", "1", "--to", "001"),
        ("--to", "001", "--steps", "1"),
        ("--partial", "--to", "001"),
        ("--partial", "--steps", "1"),
    ],
    ids=" ".join,
)
def test_two_ways_to_say_what_is_rolled_back_exclude_each_other(
    both: Workspace, two: tuple[str, ...]
) -> None:
    done = both.run("rollback", "--database", "course", *two, "--yes")
    assert done.returncode == 2
    assert "not allowed with argument" in done.stderr
    assert both.versions() == ["001", "002", "003"]


@pytest.mark.parametrize("value", ["base", "-1"])
def test_a_since_that_is_no_version_is_wrong_usage(workspace: Workspace, value: str) -> None:
    done = workspace.run("validate", f"--since={value}")
    assert done.returncode == 2
    assert f"'{value}' is not a version" in done.stderr


def test_a_file_is_found_by_a_path_through_a_link(both: Workspace, tmp_path: Path) -> None:
    both.add_tables("004")
    link = tmp_path / "link"
    link.symlink_to(both.root)
    done = both.run("migrate", "--file", str(link / "sql/course/004_step.sql"))
    assert done.returncode == 0, done.stderr
    assert both.versions() == ["001", "002", "003", "004"]
