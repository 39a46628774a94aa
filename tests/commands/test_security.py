"""What an attacker, or a slip, may write into names, files and settings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "x; DROP TABLE users; --",
        'x"""\nimport os\nos.abort()\n"""',
        "x' || pg_sleep(9) || '",
        "x\n-- DOWN\nDROP TABLE users;",
        "$(touch pwned)",
        "${__import__('os').abort()}",
        "<% import os; os.abort() %>",
        "a" * 300,
        "\\",
    ],
)
def test_a_name_stays_a_name(workspace: Workspace, name: str) -> None:
    before = {path for path in workspace.root.rglob("*") if not path.is_symlink()}
    done = workspace.run("create", "--database", "course", "--name", name)
    made = {path for path in workspace.root.rglob("*") if not path.is_symlink()} - before
    made = {path for path in made if path.suffix in (".sql", ".py") or path.is_file()}
    made = {path for path in made if "__pycache__" not in path.parts}
    if done.returncode:
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert made == set()
        return
    assert {path.parent for path in made} == {
        workspace.root / "sql/course",
        workspace.root / "course/versions",
    }
    [revision] = [path for path in made if path.suffix == ".py"]
    assert_only_points_at_its_file(revision)
    [sql] = [path for path in made if path.suffix == ".sql"]
    assert sql.read_text().count("\n-- UP") == sql.read_text().count("\n-- DOWN") == 1
    assert "\nDROP TABLE users" not in sql.read_text()


def assert_only_points_at_its_file(revision: Path) -> None:
    statements = [type(one).__name__ for one in ast.parse(revision.read_text()).body]
    assert statements == ["Expr", "ImportFrom", "Assign", "Assign", "Assign"]


@pytest.mark.parametrize(
    "file",
    ["../auth/001_step.sql", "/etc/passwd", "./001_step.sql", "001_step.sql\n", "001';--.sql"],
)
def test_a_file_is_a_name_in_the_folder_and_no_path(workspace: Workspace, file: str) -> None:
    workspace.add_tables("001", environment="auth")
    workspace.add_tables("001")
    done = workspace.run("migrate", "--database", "course", "--file", file)
    assert done.returncode == 2
    assert "there is no" in done.stderr
    assert workspace.tables() == []


@pytest.mark.parametrize(
    "name", ["../course", "course; DROP", "course\n", "course ", "/course", "'course'"]
)
def test_an_environment_is_one_of_those_that_there_are(workspace: Workspace, name: str) -> None:
    for done in (
        workspace.run("status", "--database", name),
        workspace.run("create", "--database", name, "--name", "x"),
    ):
        assert done.returncode == 2
        assert "is not an environment in alembic.ini" in done.stderr


@pytest.mark.parametrize("section", ["../x", "x y", "x'", "X", "x/y"])
def test_a_section_of_that_name_is_no_environment(workspace: Workspace, section: str) -> None:
    ini = workspace.root / "alembic.ini"
    ini.write_text(f"{ini.read_text()}\n[{section}]\nscript_location = %(here)s/course\n")
    done = workspace.run("status")
    assert done.returncode == 2
    assert "is not a valid name for an environment" in done.stderr


@pytest.mark.parametrize("kind", ["sql", "py"])
def test_a_link_that_leads_out_of_the_folder_is_refused(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);")
    if kind == "py":
        path = workspace.root / "course/versions/001_step.py"
    outside = tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 1
    assert "is a link that points outside its folder" in done.stderr
    assert workspace.tables() == []
    assert workspace.run("validate").returncode == 1


def test_a_checkout_that_is_itself_behind_a_link_works(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.add_tables("001")
    (tmp_path / "link").symlink_to(workspace.root)
    done = workspace.run("migrate", "--database", "course", cwd=tmp_path / "link")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["sql/course", "course/versions"])
def test_a_folder_that_leads_out_of_the_project_is_refused(
    workspace: Workspace, tmp_path: Path, folder: str
) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add_tables("002")
    outside = tmp_path / "outside"
    (workspace.root / folder).rename(outside)
    (workspace.root / folder).symlink_to(outside)
    for command in (("upgrade", "head"), ("downgrade", "-1")):
        done = workspace.alembic("-n", "course", *command)
        assert done.returncode == 1
        assert "is a link that points outside the project" in done.stderr
    assert workspace.versions() == ["001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("MIGRATION_TABLE", "\udcff"), ("MIGRATION_ROLE", "\udcff"), ("COURSE_DB_URL", "\udcff")],
)
def test_settings_that_are_no_text_are_named(workspace: Workspace, name: str, value: str) -> None:
    done = workspace.run("status", "--database", "course", environment={name: value})
    assert done.returncode == 2
    assert f"{name} is not UTF-8" in done.stderr


def test_a_settings_file_of_another_encoding_is_named(workspace: Workspace) -> None:
    (workspace.root / ".env").write_bytes(b"COURSE_DB_URL=postgresql://a:\xfc@h/d\n")
    done = workspace.run("status", "--database", "course")
    assert done.returncode == 2
    assert ".env is not UTF-8" in done.stderr


def test_an_odd_number_is_an_error_and_no_crash(workspace: Workspace) -> None:
    workspace.add_tables("001")
    digits = "9" * 5000
    for done in (
        workspace.run("migrate", "--database", "course", "--to", digits),
        workspace.run("rollback", "--database", "course", "--to", digits),
        workspace.run(
            "status", "--database", "course", environment={"MIGRATION_LOCK_RETRIES": digits}
        ),
    ):
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
