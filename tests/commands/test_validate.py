"""`python scripts/validate.py`: the files, and the ledgers where a URL is set."""

from __future__ import annotations

import json

import pytest

from tests.workspace import Workspace

pytestmark = pytest.mark.database
NO_DATABASE = {"AUTH_DB_URL": "", "COURSE_DB_URL": ""}


def test_clean_files_pass_without_a_database(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    done = workspace.run("validate", environment=NO_DATABASE)
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings (files only)\n")


def _break_name(workspace: Workspace) -> None:
    (workspace.root / "sql/course/3-three.sql").write_text("-- UP\nSELECT 1;\n-- DOWN\n")


def _break_number(workspace: Workspace) -> None:
    (workspace.root / "sql/course/2_again.sql").write_text("-- UP\nSELECT 1;\n-- DOWN\n")


def _break_pair(workspace: Workspace) -> None:
    (workspace.root / "course/versions/002_step.py").unlink()


def _break_other_pair(workspace: Workspace) -> None:
    (workspace.root / "sql/course/002_step.sql").unlink()


def _break_sections(workspace: Workspace) -> None:
    path = workspace.root / "sql/course/002_step.sql"
    path.write_text(path.read_text().replace("-- DOWN: Undo", "-- done"))


def _break_chain(workspace: Workspace) -> None:
    path = workspace.root / "course/versions/002_step.py"
    path.write_text(path.read_text().replace('"001"', '"007"'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(_break_name, "'3-three.sql' is not a migration's name", id="name"),
        pytest.param(_break_number, "version 2 is there twice", id="number"),
        pytest.param(_break_pair, "002_step.sql has no revision file", id="no revision"),
        pytest.param(_break_other_pair, "002_step.py has no migration file", id="no sql"),
        pytest.param(_break_sections, "there is no '-- DOWN' section", id="section"),
        pytest.param(_break_chain, "down_revision is '007' and has to be '001'", id="chain"),
    ],
)
def test_each_kind_of_damage_is_found_and_fails(
    workspace: Workspace, damage: object, message: str
) -> None:
    workspace.add_tables("001", "002")
    assert callable(damage)
    damage(workspace)
    done = workspace.run("validate", environment=NO_DATABASE)
    assert done.returncode == 1
    assert message in done.stdout


def test_all_damage_is_shown_at_once(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    _break_name(workspace)
    _break_sections(workspace)
    _break_chain(workspace)
    done = workspace.run("validate", "--json", environment=NO_DATABASE)
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert codes == {"history", "format", "revision-chain"}


def test_a_gap_and_a_wrong_header_are_warnings(workspace: Workspace) -> None:
    workspace.add_tables("001", "003")
    path = workspace.root / "sql/course/003_step.sql"
    path.write_text(path.read_text().replace("Migration: 003_step", "Migration: 002_step"))
    done = workspace.run("validate", environment=NO_DATABASE)
    assert done.returncode == 0
    assert "2 is missing" in done.stdout
    assert "the header says 'Migration: 002_step.sql'" in done.stdout
    assert done.stdout.endswith("0 errors, 2 warnings (files only)\n")


def test_a_file_changed_since_it_was_applied_is_found_where_a_url_is_set(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    path = workspace.root / "sql/course/001_step.sql"
    path.write_text(path.read_text() + "-- later\n")
    done = workspace.run("validate")
    assert done.returncode == 1
    assert "sql/course/001_step.sql: error: the file was changed after course applied it" in (
        done.stdout
    )
    assert "(files, and the ledger of auth, course)" in done.stdout
    assert workspace.run("validate", environment=NO_DATABASE).returncode == 0


def test_a_ledger_that_disagrees_with_alembic_is_found(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("DELETE FROM schema_migrations")
    done = workspace.run("validate", "--database", "course")
    assert done.returncode == 1
    assert "the ledger and Alembic's version disagree [ledger-disagrees]" in done.stdout
