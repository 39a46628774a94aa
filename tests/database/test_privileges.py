"""Logins that may do less than they should, or no more than they must."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded.server import Server
from scripts.errors import LedgerError, StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
Admin = Callable[[str], None]


@pytest.fixture
def login(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Admin]]:
    """A login without any rights in the course database, and what gives it some."""
    [(name,)] = workspace.query("SELECT current_database()")
    role = f"login_{name}"
    with closing(psycopg2.connect(postgres.url(name))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"].replace("migrator", role, 1))
        yield role, cursor.execute
        cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_one_who_may_create_nothing_is_told_so_before_anything(
    workspace: Workspace, login: tuple[str, Admin]
) -> None:
    workspace.add_tables("001")
    with pytest.raises(LedgerError, match="cannot write the ledger") as caught:
        workspace.upgrade()
    assert "permission denied for schema public [42501]" in caught.value.detail
    assert caught.value.state == "nothing was changed; course is at base"


def test_one_with_all_rights_on_the_ledger_needs_none_on_the_log(
    workspace: Workspace, login: tuple[str, Admin]
) -> None:
    role, admin = login
    workspace.add("001", "SELECT 1;")
    workspace.add("002", "SELECT 2;")
    with pytest.MonkeyPatch.context() as owner:
        owner.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade("001")
    admin(f"GRANT ALL ON schema_migrations, alembic_version TO {role}")
    workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
    [said] = workspace.recorder.notices
    assert said.startswith("cannot write the event log: permission denied for table")
    own = {"COURSE_DB_URL": os.environ["COURSE_DB_URL"]}
    done = workspace.run("status", "--database", "course", "--events", environment=own)
    assert done.returncode == 1
    assert "error:  cannot read the event log" in done.stderr


def test_one_who_may_only_read_sees_the_status(
    workspace: Workspace, login: tuple[str, Admin]
) -> None:
    role, admin = login
    workspace.add_tables("001", "002")
    with pytest.MonkeyPatch.context() as owner:
        owner.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade("001")
    admin(f"GRANT SELECT ON schema_migrations, alembic_version TO {role}")
    assert workspace.state().current == "001"
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert caught.value.what == "permission denied for schema public [42501]"
    assert caught.value.state == "rolled back; course is at 001"


def test_one_who_may_only_read_what_is_shown_sees_the_status(
    workspace: Workspace, login: tuple[str, Admin]
) -> None:
    role, admin = login
    workspace.add_tables("001")
    with pytest.MonkeyPatch.context() as owner:
        owner.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade()
    shown = "version, filename, applied_at, checksum, description, applied_by, duration_ms"
    admin(f"GRANT SELECT ({shown}) ON schema_migrations TO {role}")
    admin(f"GRANT SELECT ON alembic_version TO {role}")
    assert workspace.state().current == "001"


@pytest.mark.parametrize(
    "door", [("scripts/migrate.py",), ("-m", "alembic", "-n", "course", "upgrade", "head")]
)
def test_one_who_may_not_read_the_ledger_is_told_so(
    workspace: Workspace, login: tuple[str, Admin], door: tuple[str, ...]
) -> None:
    workspace.add_tables("001", "002")
    with pytest.MonkeyPatch.context() as owner:
        owner.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade("001")
    own = {"COURSE_DB_URL": os.environ["COURSE_DB_URL"]}
    done = workspace.execute(sys.executable, *door, environment=own)
    assert done.returncode == 1
    assert "error:  cannot read the ledger" in done.stderr
    assert "permission denied for table" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_is_in_the_way_is_named_though_the_rest_of_it_is_hidden(
    workspace: Workspace, login: tuple[str, Admin], monkeypatch: pytest.MonkeyPatch
) -> None:
    role, admin = login
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "1s")
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    admin(f"GRANT CREATE ON SCHEMA public TO {role}; CREATE TABLE a (id int)")
    admin(f"ALTER TABLE a OWNER TO {role}; GRANT ALL ON a TO migrator")
    workspace.add("001", "ALTER TABLE a ADD COLUMN x int;")
    with closing(psycopg2.connect(workspace.urls["course"], application_name="web")) as other:
        other.cursor().execute("SELECT * FROM a /* private */")
        with pytest.raises(StatementError) as caught:
            workspace.upgrade()
        pid = other.info.backend_pid
    assert f"blocked by pid {pid}, user migrator, application web, state hidden" in (
        caught.value.detail
    )
    assert "holds ACCESS SHARE" in caught.value.detail
    assert "private" not in caught.value.detail


def test_a_login_that_inherits_nothing_rolls_back_with_its_role(
    workspace: Workspace, login: tuple[str, Admin], monkeypatch: pytest.MonkeyPatch
) -> None:
    role, admin = login
    admin(f"CREATE ROLE {role}_owner; ALTER ROLE {role} NOINHERIT; GRANT {role}_owner TO {role}")
    admin(f"CREATE SCHEMA own AUTHORIZATION {role}_owner")
    monkeypatch.setenv("MIGRATION_ROLE", f"{role}_owner")
    monkeypatch.setenv("MIGRATION_TABLE", "own.ledger")
    workspace.add("001", "CREATE TABLE own.a (id int);", "DROP TABLE own.a;")
    none = "-- Transaction: none\n"
    workspace.add("002", "CREATE TABLE own.b (id int);", "DROP TABLE own.b;", header=none)
    try:
        workspace.upgrade()
        workspace.downgrade("base")
        assert [text for text in workspace.recorder.notices if "destroys" not in text] == []
        assert workspace.state().applied == ()
    finally:
        admin(f"DROP OWNED BY {role}_owner CASCADE; DROP ROLE {role}_owner")


def test_a_file_that_takes_on_a_role_does_not_write_the_ledger_with_it(
    workspace: Workspace, login: tuple[str, Admin], monkeypatch: pytest.MonkeyPatch
) -> None:
    role, admin = login
    admin(f"GRANT {role} TO migrator")
    monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
    workspace.add("001", f"SET LOCAL ROLE {role};\nSELECT 1;")
    workspace.add("002", f"SET LOCAL ROLE {role};\nSELECT 2;")
    workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
