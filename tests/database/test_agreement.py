"""Alembic's version and the ledger agree, or the run stops."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.status import Status
from scripts.errors import LedgerError
from tests.support.servers import PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    """Two of three migrations, applied."""
    workspace.add_tables("001", "002", "003")
    workspace.upgrade("002")
    return workspace


def test_a_ledger_row_removed_by_hand_stops_both_directions(applied: Workspace) -> None:
    applied.query("DELETE FROM schema_migrations WHERE version = '002'")
    before = applied.dump()
    for run in (applied.upgrade, applied.downgrade):
        with pytest.raises(
            LedgerError, match="the ledger and Alembic's version disagree"
        ) as caught:
            run("base")
        assert "the ledger public.schema_migrations is at 001" in caught.value.detail
        assert "alembic_version is at 002" in caught.value.detail
        assert caught.value.state == "nothing was changed"
    assert applied.dump() == before


def test_the_mending_command_that_the_error_names_mends_it(applied: Workspace) -> None:
    applied.query("DELETE FROM schema_migrations WHERE version = '002'")
    with pytest.raises(LedgerError) as caught:
        applied.upgrade()
    assert "stamp --purge 001" in caught.value.hint
    assert "stamp --purge 002" in caught.value.hint
    done = applied.alembic("-n", "course", "stamp", "--purge", "002")
    assert done.returncode == 0, done.stderr
    assert applied.versions() == ["001", "002"]
    applied.upgrade()
    assert applied.versions() == ["001", "002", "003"]


def test_a_version_changed_by_hand_stops_the_run(applied: Workspace) -> None:
    applied.query("UPDATE alembic_version SET version_num = '003'")
    with pytest.raises(LedgerError, match="disagree"):
        applied.upgrade()


def test_a_missing_ledger_is_not_taken_for_an_empty_one(applied: Workspace) -> None:
    applied.query("DROP TABLE schema_migrations")
    with pytest.raises(
        LedgerError, match="Alembic's version is 002, but there is no ledger"
    ) as caught:
        applied.upgrade()
    assert "`alembic -n course stamp --purge 002` writes the ledger" in caught.value.hint
    assert applied.alembic("-n", "course", "stamp", "--purge", "002").returncode == 0
    assert applied.versions() == ["001", "002"]


def test_a_version_in_neither_files_nor_ledger_is_named(applied: Workspace) -> None:
    applied.query("UPDATE alembic_version SET version_num = '009'")
    done = applied.alembic("-n", "course", "upgrade", "head")
    assert done.returncode == 1
    assert "alembic_version is at 009" in done.stderr


def test_a_version_that_is_changed_during_a_migration_rolls_it_back(applied: Workspace) -> None:
    applied.add("004", "UPDATE alembic_version SET version_num = '001';", "-- SELECT 1;")
    with pytest.raises(LedgerError, match="alembic_version is no longer at 003") as caught:
        applied.upgrade()
    assert caught.value.state == "rolled back; course is at 003"
    assert applied.versions() == ["001", "002", "003"]
    assert applied.state().alembic_heads == ("003",)


def test_status_still_works_when_they_disagree(applied: Workspace) -> None:
    applied.query("DELETE FROM alembic_version")
    assert applied.state().current == "002"


class TestStamp:
    """A stamp writes version and ledger, and runs nothing."""

    def test_up_notes_all_versions_below(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "002", "003")
        done = workspace.alembic("-n", "course", "stamp", "002")
        assert done.returncode == 0, done.stderr
        assert workspace.versions() == ["001", "002"]
        assert workspace.alembic_version() == ["002"]
        assert workspace.tables() == []
        assert workspace.query(
            "SELECT rollback_sql, duration_ms FROM schema_migrations WHERE version = '002'"
        ) == [("DROP TABLE IF EXISTS t_002;\n", None)]

    def test_down_takes_all_versions_above_out(self, applied: Workspace) -> None:
        applied.upgrade()
        assert applied.alembic("-n", "course", "stamp", "001").returncode == 0
        assert applied.versions() == applied.alembic_version() == ["001"]

    def test_a_purge_for_a_version_that_is_not_there_purges_nothing(
        self, applied: Workspace
    ) -> None:
        before = applied.dump()
        done = applied.alembic("-n", "course", "stamp", "--purge", "999")
        assert done.returncode == 2
        assert "Can't locate revision identified by '999'" in done.stderr
        assert applied.dump() == before

    def test_nor_does_one_for_a_file_that_the_ledger_could_not_list(
        self, applied: Workspace
    ) -> None:
        (applied.root / "sql/course/003_step.sql").write_text("no sections")
        before = applied.dump()
        done = applied.alembic("-n", "course", "stamp", "--purge", "003")
        assert done.returncode == 1
        assert "at:     course: sql/course/003_step.sql" in done.stderr
        assert applied.dump() == before

    def test_base_empties_both(self, applied: Workspace) -> None:
        assert applied.alembic("-n", "course", "stamp", "base").returncode == 0
        assert applied.versions() == applied.alembic_version() == []

    def test_keeps_the_row_of_a_migration_that_ran(self, applied: Workspace) -> None:
        before = applied.query("SELECT * FROM schema_migrations WHERE version = '001'")
        assert applied.alembic("-n", "course", "stamp", "head").returncode == 0
        assert applied.query("SELECT * FROM schema_migrations WHERE version = '001'") == before

    def test_after_a_stamp_a_rollback_works(self, applied: Workspace) -> None:
        applied.query("CREATE TABLE t_003 (id int)")
        assert applied.alembic("-n", "course", "stamp", "003").returncode == 0
        applied.downgrade("002")
        assert applied.tables() == ["t_001", "t_002"]


@pytest.mark.parametrize(
    "versions", [("002", "003"), ("heads", "head"), ("--purge", "001", "002")], ids=" ".join
)
@pytest.mark.parametrize("at", ["base", "003"])
def test_a_stamp_of_several_versions_is_wrong_usage(
    workspace: Workspace, versions: tuple[str, ...], at: str
) -> None:
    workspace.add_tables("001", "002", "003")
    if at != "base":
        workspace.upgrade(at)
    done = workspace.alembic("-n", "course", "stamp", *versions)
    assert done.returncode == 2
    assert "a stamp takes one version, but several are given: " in done.stderr
    assert "Traceback" not in done.stderr
    assert workspace.state().current == at


def test_a_lost_ledger_at_a_version_without_a_file_is_written_where_that_is(
    applied: Workspace,
) -> None:
    applied.query("DROP TABLE schema_migrations")
    files = [
        *applied.environment().sql.glob("00[23]_*"),
        *applied.environment().versions.glob("00[23]_*.py"),
    ]
    texts = {path: path.read_text() for path in files}
    applied.remove("003")
    applied.remove("002")
    with pytest.raises(LedgerError, match=r"Alembic's version is 002") as caught:
        applied.upgrade()
    assert caught.value.hint.startswith(
        "002 has no file here; in the release that has it, `alembic -n course stamp --purge 002`"
    )
    for path, text in texts.items():
        path.write_text(text)
    assert applied.alembic("-n", "course", "stamp", "--purge", "002").returncode == 0
    assert applied.versions() == ["001", "002"]


def test_a_second_ledger_in_the_schema_of_another_is_told_to_have_a_schema_of_its_own(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_DB_URL", workspace.urls["course"])
    workspace.add("001", "CREATE TABLE users ();", slug="users", environment="auth")
    workspace.add("001", "CREATE TABLE courses ();", slug="courses")
    monkeypatch.setenv("MIGRATION_TABLE", "auth_migrations")
    workspace.upgrade(environment="auth")
    monkeypatch.setenv("MIGRATION_TABLE", "course_migrations")
    with pytest.raises(LedgerError) as caught:
        workspace.upgrade()
    setting = caught.value.hint.rpartition("MIGRATION_TABLE=")[2]
    monkeypatch.setenv("MIGRATION_TABLE", setting)
    workspace.upgrade()
    assert {"courses", "users"} <= set(workspace.tables())


def test_a_run_that_commits_meanwhile_does_not_make_them_disagree(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    seen: list[Status] = []
    looks = threading.Thread(target=lambda: seen.append(workspace.state()))
    with closing(psycopg2.connect(workspace.urls["course"])) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE alembic_version")
        looks.start()
        waits = (
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'alembic_version'::regclass"
        )
        until(lambda: workspace.query(waits), "the look to come to Alembic's table")
        cursor.execute(
            "UPDATE alembic_version SET version_num = '002';"
            "INSERT INTO schema_migrations (version, filename, checksum)"
            " VALUES ('002', '002_step.sql', 'x')"
        )
        other.commit()
    looks.join(PATIENCE)
    [status] = seen
    assert (status.current, status.alembic_heads) == ("002", ("002",))
