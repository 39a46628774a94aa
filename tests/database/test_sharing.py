"""Two environments that lead to one ledger are refused before either runs."""

from __future__ import annotations

import sys
from contextlib import closing

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support.companions import bouncer
from tests.support.doors import DOORS
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    """Two migrations for auth, two others for course."""
    for environment in ("auth", "course"):
        for version in ("001", "002"):
            workspace.add(
                version,
                f"CREATE TABLE {environment}_{version} ();",
                f"-- DROP TABLE {environment}_{version};",
                slug=environment,
                environment=environment,
            )
    return workspace


def shared(project: Workspace, **more: str) -> dict[str, str]:
    """Return settings in which course's URL is auth's."""
    return {"COURSE_DB_URL": project.urls["auth"], **more}


@pytest.mark.parametrize("command", [("migrate",), ("migrate", "--dry-run"), ("rollback", "--yes")])
def test_two_urls_of_one_database_are_refused_before_either_runs(
    project: Workspace, command: tuple[str, ...]
) -> None:
    done = project.run(*command, environment=shared(project))
    assert done.returncode == 2
    assert done.stderr == (
        "error:  AUTH_DB_URL and COURSE_DB_URL point to the same database and ledger\n"
        "detail: the ledger is public.schema_migrations\n"
        "state:  nothing was changed\n"
        "help:   set COURSE_DB_URL to the database of course; if both share a database, give each "
        "ledger its own schema: MIGRATION_TABLE=course.schema_migrations\n"
    )
    assert project.tables("auth") == []


def test_the_server_is_asked_and_not_the_url(project: Workspace) -> None:
    url = project.urls["auth"].replace("postgresql://", "postgres://") + "&application_name=other"
    done = project.run("migrate", environment={"COURSE_DB_URL": url})
    assert "point to the same database and ledger" in done.stderr
    assert project.tables("auth") == []


def test_a_pooler_before_the_database_hides_nothing(project: Workspace) -> None:
    parts = psycopg2.extensions.parse_dsn(project.urls["auth"])
    with bouncer(parts["host"], int(parts["port"])) as url:
        done = project.run(
            "migrate", environment={"COURSE_DB_URL": url(parts["dbname"], parts["user"])}
        )
    assert "point to the same database and ledger" in done.stderr
    assert project.tables("auth") == []


def test_a_login_that_may_not_ask_for_the_start_of_the_server_can_do_everything_else(
    project: Workspace, postgres: Server
) -> None:
    name = project.query("SELECT current_database()")[0][0]
    revoke = "REVOKE EXECUTE ON FUNCTION pg_postmaster_start_time() FROM PUBLIC"
    with closing(psycopg2.connect(postgres.url(name))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(revoke)
    login = project.query("SELECT has_function_privilege('pg_postmaster_start_time()', 'EXECUTE')")
    assert login == [(False,)]
    done = project.run("migrate", "--database", "course")
    assert done.returncode == 0, done.stderr
    done = project.run("status", "--database", "course")
    assert (done.returncode, done.stderr) == (0, "")


def test_status_shows_what_is_there_and_says_it(project: Workspace) -> None:
    done = project.run("status", environment=shared(project))
    assert done.returncode == 2
    assert "\n  empty, 0 applied, 2 pending\n" in done.stdout
    assert "point to the same database and ledger" in done.stderr


COMMANDS = {
    "migrate": DOORS["migrate"],
    "rollback": ("scripts/rollback.py", "--database", "course", "--yes"),
    "upgrade": DOORS["alembic"],
    "downgrade": ("-m", "alembic", "-n", "course", "downgrade", "-1"),
    "stamp": ("-m", "alembic", "-n", "course", "stamp", "001"),
}


@pytest.mark.parametrize("door", COMMANDS)
def test_one_at_a_time_the_ledger_tells_whose_it_is(project: Workspace, door: str) -> None:
    project.upgrade(environment="auth")
    before = project.dump("auth")
    done = project.execute(sys.executable, *COMMANDS[door], environment=shared(project))
    assert done.returncode == 2
    assert done.stderr == (
        "error:  this database contains the ledger of auth\n"
        "at:     course\n"
        "detail: 001_auth.sql in public.schema_migrations is a migration of sql/auth, not of "
        "sql/course\n"
        "state:  nothing was changed; auth is at 002\n"
        "help:   set COURSE_DB_URL to the database of course; if both share a database, give each "
        "ledger its own schema: MIGRATION_TABLE=course.schema_migrations\n"
    )
    assert project.dump("auth") == before


def test_equal_names_are_told_apart_by_their_texts(workspace: Workspace) -> None:
    for environment in ("auth", "course"):
        workspace.add(
            "001", f"CREATE TABLE {environment} ();", slug="initial", environment=environment
        )
    workspace.upgrade(environment="auth")
    done = workspace.alembic("-n", "course", "upgrade", "head", environment=shared(workspace))
    assert "this database contains the ledger of auth" in done.stderr
    assert "changed after being applied" not in done.stderr


def test_each_may_have_a_ledger_of_its_own_in_one_database(project: Workspace) -> None:
    for name in ("auth", "course"):
        done = project.run(
            "migrate",
            "--database",
            name,
            environment=shared(project, MIGRATION_TABLE=f"{name}.schema_migrations"),
        )
        assert done.returncode == 0, done.stderr
    assert {"auth_002", "course_002"} <= set(project.tables("auth"))


def test_equal_files_in_both_environments_stop_nothing(workspace: Workspace) -> None:
    for environment in ("auth", "course"):
        workspace.add_tables("001", environment=environment)
    for _ in range(2):
        assert workspace.run("migrate").returncode == 0
    assert workspace.run("rollback", "--steps", "2", "--yes").returncode == 0


def test_a_newer_release_whose_file_another_environment_has_too_can_be_rolled_back(
    project: Workspace,
) -> None:
    for environment in ("auth", "course"):
        project.add_tables("003", environment=environment)
    project.upgrade()
    project.remove("003")
    done = project.alembic("-n", "course", "downgrade", "-1")
    assert done.returncode == 0, done.stderr
    assert project.versions() == ["001", "002"]


@pytest.fixture
def alike(workspace: Workspace) -> Workspace:
    """A first migration that both have alike, and one each of its own; all applied."""
    for environment in ("auth", "course"):
        workspace.add_tables("001", environment=environment)
        workspace.add(
            "002",
            f"CREATE TABLE {environment}_2 ();",
            f"-- DROP TABLE {environment}_2;",
            slug=environment,
            environment=environment,
        )
        workspace.upgrade(environment=environment)
    return workspace


@pytest.mark.parametrize("edited", [("001",), ("001", "002")], ids=["shared", "all"])
def test_a_shared_file_that_was_edited_is_a_changed_file_and_not_another_ledger(
    alike: Workspace, edited: tuple[str, ...]
) -> None:
    for version in edited:
        [path] = alike.environment().sql.glob(f"{version}_*")
        path.write_text(path.read_text() + "-- more\n")
    done = alike.run("migrate", "--database", "course")
    assert done.returncode == 1
    assert "changed after being applied" in done.stderr
    done = alike.run("rollback", "--database", "course", "--yes")
    assert done.returncode == 0, done.stderr
    assert alike.versions() == ["001"]


def test_an_edited_file_of_an_environment_that_was_copied_is_a_changed_file(
    workspace: Workspace,
) -> None:
    for environment in ("auth", "course"):
        workspace.add_tables("001", "002", environment=environment)
    workspace.upgrade()
    [path] = workspace.environment().sql.glob("002_*")
    path.write_text(path.read_text() + "-- more\n")
    done = workspace.alembic("-n", "course", "upgrade", "head")
    assert "a migration file was changed after being applied" in done.stderr
    assert workspace.alembic("-n", "course", "downgrade", "-1").returncode == 0


def test_a_shared_file_does_not_hide_the_ledger_of_another(alike: Workspace) -> None:
    done = alike.run("status", "--database", "course", environment=shared(alike))
    assert done.returncode == 2
    assert "002_auth.sql in public.schema_migrations is a migration of sql/auth" in done.stderr
