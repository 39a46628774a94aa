"""`python scripts/create.py` and `alembic revision`: the same two files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_it_writes_the_next_number_and_two_files(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    done = workspace.run(
        "create", "--database", "course", "--name", "add_user_preferences", "--author", "Ada"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "sql/course/003_add_user_preferences.sql\ncourse/versions/003_add_user_preferences.py\n"
    )
    text = (workspace.root / "sql/course/003_add_user_preferences.sql").read_text()
    assert re.sub(r"\d{4}-\d\d-\d\d", "TODAY", text) == (
        "-- Migration: 003_add_user_preferences.sql\n"
        "-- Description: add_user_preferences\n"
        "-- Author: Ada\n"
        "-- Created: TODAY\n"
        "\n"
        "-- UP: Apply migration\n"
        "\n\n"
        "-- DOWN: Rollback migration (for use by rollback scripts)\n"
        "\n"
    )
    assert (workspace.root / "course/versions/003_add_user_preferences.py").read_text() == (
        '"""Add user preferences."""\n'
        "\n"
        "from scripts.engine.revision import migration\n"
        "\n"
        'revision = "003"\n'
        'down_revision = "002"\n'
        "\n"
        "upgrade, downgrade = migration(__file__)\n"
    )


def test_the_first_migration_of_an_environment_makes_its_folders(workspace: Workspace) -> None:
    for folder in ("sql/course", "course/versions"):
        shutil.rmtree(workspace.root / folder)
    done = workspace.run("create", "--database", "course", "--name", "start")
    assert (done.returncode, done.stderr) == (0, "")
    assert (workspace.root / "sql/course/001_start.sql").exists()
    assert (workspace.root / "course/versions/001_start.py").exists()


def test_a_folder_that_is_a_file_is_an_error_without_a_traceback(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / "sql/course")
    (workspace.root / "sql/course").write_text("")
    for done in (
        workspace.run("create", "--database", "course", "--name", "start"),
        workspace.alembic("-n", "course", "revision", "-m", "start"),
    ):
        assert done.returncode == 1
        assert done.stderr.startswith("error:  file exists\n")
        assert "sql/course" in done.stderr
        assert "Traceback" not in done.stderr


def test_alembic_revision_writes_exactly_the_same_files(workspace: Workspace) -> None:
    workspace.add_tables("001")
    name = "Add the user's préférences"
    assert workspace.run("create", "--database", "course", "--name", name).returncode == 0
    made = [
        workspace.root / "sql/course/002_add_the_users_preferences.sql",
        workspace.root / "course/versions/002_add_the_users_preferences.py",
    ]
    by_script = [path.read_bytes() for path in made]
    for path in made:
        path.unlink()
    done = workspace.alembic("-n", "course", "revision", "-m", name)
    assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in made] == by_script


def test_what_it_writes_can_be_filled_in_and_applied(workspace: Workspace) -> None:
    workspace.run("create", "--database", "course", "--name", "first")
    path = workspace.root / "sql/course/001_first.sql"
    path.write_text(path.read_text().replace("migration\n\n", "migration\nCREATE TABLE a ();\n"))
    workspace.upgrade()
    assert workspace.tables() == ["a"]


def test_no_database_is_needed(workspace: Workspace) -> None:
    done = workspace.run(
        "create", "--database", "auth", "--name", "x", environment={"AUTH_DB_URL": ""}
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        pytest.param("../../etc/passwd", "etc_passwd", id="path"),
        pytest.param("x'; DROP TABLE y; --", "x_drop_table_y", id="sql"),
        pytest.param('"""\nimport os\n"""', "import_os", id="python"),
        pytest.param("a\n-- UP\nDROP TABLE x;", "a_up_drop_table_x", id="marker"),
        pytest.param("wort " * 40, "wort" + "_wort" * 11, id="long"),
    ],
)
def test_a_hostile_name_stays_in_its_folder_and_on_its_line(
    workspace: Workspace, name: str, slug: str
) -> None:
    before = {path for path in workspace.root.parent.rglob("*") if path.suffix in (".sql", ".py")}
    done = workspace.run("create", "--database", "course", "--name", name)
    assert done.returncode == 0, done.stderr
    after = {path for path in workspace.root.parent.rglob("*") if path.suffix in (".sql", ".py")}
    assert after - before == {
        workspace.root / f"sql/course/001_{slug}.sql",
        workspace.root / f"course/versions/001_{slug}.py",
    }
    compile((workspace.root / f"course/versions/001_{slug}.py").read_text(), "revision", "exec")
    lines = (workspace.root / f"sql/course/001_{slug}.sql").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("-- ")] == []
    assert lines.count("-- UP: Apply migration") == 1


def test_a_name_without_letters_is_wrong_usage(workspace: Workspace) -> None:
    done = workspace.run("create", "--database", "course", "--name", "!!!")
    assert done.returncode == 2
    assert "cannot make a file name from '!!!'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["-m", "x", "--autogenerate"], "migrations are SQL files", id="autogenerate"),
        pytest.param(["-m", "x", "--rev-id", "abc"], "--rev-id cannot be chosen", id="rev-id"),
        pytest.param([], "a migration needs a name", id="no name"),
    ],
)
def test_alembic_options_that_do_not_fit_are_refused(
    workspace: Workspace, arguments: list[str], message: str
) -> None:
    done = workspace.alembic("-n", "course", "revision", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(Path(workspace.root / "sql/course").iterdir()) == []


def test_a_broken_chain_is_said_before_a_file_is_written(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    second = workspace.root / "course/versions/002_step.py"
    second.write_text(second.read_text().replace('"001"', "None"))
    done = workspace.run("create", "--database", "course", "--name", "x")
    assert done.returncode == 1
    assert "the revision files do not end in 002" in done.stderr
    assert len(list((workspace.root / "sql/course").iterdir())) == 2
