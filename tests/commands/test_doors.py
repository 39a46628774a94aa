"""Both doors: Alembic's command line and the scripts, from anywhere, installed or not."""

from __future__ import annotations

import pytest

from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
COMMANDS = sorted(path.stem for path in (REPOSITORY / "scripts").glob("[a-z]*.py"))
COMMANDS = [name for name in COMMANDS if name not in ("__init__", "errors")]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_the_exit_codes(workspace: Workspace, name: str) -> None:
    done = workspace.run(name, "--help")
    assert done.returncode == 0
    assert f"  python scripts/{name}.py" in done.stdout
    assert "exit codes: 0 done" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_does_not_exist_is_wrong_usage(workspace: Workspace, name: str) -> None:
    assert workspace.run(name, "--nonsense").returncode == 2


def test_both_doors_leave_the_same_database(workspace: Workspace) -> None:
    for environment in ("auth", "course"):
        workspace.add_tables("001", "002", environment=environment)
    assert workspace.run("migrate", "--database", "auth").returncode == 0
    assert workspace.alembic("-n", "course", "upgrade", "head").returncode == 0
    for environment in ("auth", "course"):
        workspace.query(
            "UPDATE schema_migrations SET applied_at = '2000-01-01', duration_ms = 0", environment
        )
    assert workspace.dump("auth", "--inserts") == workspace.dump("course", "--inserts")


def test_alembic_works_from_another_directory(workspace: Workspace) -> None:
    workspace.add_tables("001")
    ini = str(workspace.root / "alembic.ini")
    done = workspace.alembic("-c", ini, "-n", "course", "upgrade", "head", cwd="/")
    assert done.returncode == 0, done.stderr
    assert workspace.tables() == ["t_001"]


def test_alembic_fails_with_our_exit_codes_and_without_a_traceback(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1/0;")
    failed = workspace.alembic("-n", "course", "upgrade", "head")
    assert failed.returncode == 1
    assert "\nerror:  division by zero [22012]\nat:     course: " in failed.stderr
    unknown = workspace.alembic("-n", "course", "upgrade", "7")
    assert unknown.returncode == 2
    assert "Can't locate revision identified by '7'" in unknown.stderr
    unset = workspace.alembic("-n", "course", "upgrade", "head", environment={"COURSE_DB_URL": ""})
    assert unset.returncode == 2
    assert "COURSE_DB_URL is not set" in unset.stderr
    for done in (failed, unknown, unset):
        assert "Traceback" not in done.stderr


def test_alembic_without_an_environment_says_how_to_choose_one(workspace: Workspace) -> None:
    done = workspace.alembic("upgrade", "head")
    assert done.returncode != 0
    assert (
        "choose a database, `alembic -n auth ...` or `alembic -n course ...`"
        in done.stdout + done.stderr
    )


def test_a_version_in_other_digits_is_not_taken_for_the_beginning_of_one(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "100")
    done = workspace.alembic("-n", "course", "upgrade", "1")
    assert done.returncode == 2
    assert "did you mean 001?" in done.stderr
    assert workspace.state().applied == ()


def test_a_relative_upgrade_and_downgrade_move_as_many_steps_as_they_say(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "002", "003", "004")
    workspace.alembic("-n", "course", "upgrade", "+3")
    assert workspace.versions() == ["001", "002", "003"]
    workspace.alembic("-n", "course", "downgrade", "-2")
    assert workspace.versions() == ["001"]


def test_settings_come_from_a_dotenv_file_and_the_environment_wins(workspace: Workspace) -> None:
    workspace.add_tables("001")
    (workspace.root / ".env").write_text(
        f"AUTH_DB_URL={workspace.urls['auth']}\nCOURSE_DB_URL='{workspace.urls['auth']}'\n"
        "MIGRATION_TABLE=from_dotenv\n"
    )
    done = workspace.run("migrate", environment={"AUTH_DB_URL": ""})
    assert done.returncode == 0, done.stderr
    assert workspace.tables("auth") == []
    assert workspace.query("SELECT version FROM from_dotenv") == [("001",)]


def test_a_third_database_is_a_section_and_a_folder(workspace: Workspace) -> None:
    ini = workspace.root / "alembic.ini"
    ini.write_text(ini.read_text() + "\n[billing]\nscript_location = %(here)s/billing\n")
    for name in ("billing/versions", "sql/billing"):
        (workspace.root / name).mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        text = (workspace.root / "course" / name).read_text()
        (workspace.root / "billing" / name).write_text(text)
    workspace.add_tables("001", environment="billing")
    url = {"BILLING_DB_URL": workspace.urls["course"]}
    done = workspace.run("migrate", "--database", "billing", environment=url)
    assert done.returncode == 0, done.stderr
    assert workspace.tables() == ["t_001"]
