"""`python scripts/validate.py`: the files, and with --live the databases."""

from __future__ import annotations

import json
from contextlib import closing
from xml.etree import ElementTree

import psycopg2
import pytest

from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
NO_DATABASE = {"AUTH_DB_URL": "", "COURSE_DB_URL": ""}


NO_BASE = "Released files were not checked: add --base origin/main"


def test_clean_files_pass_without_a_database(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    done = workspace.run("validate", environment=NO_DATABASE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"0 errors in 2 migrations. {NO_BASE}\n"


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
        pytest.param(_break_name, "'3-three.sql' is not a valid migration name", id="name"),
        pytest.param(_break_number, "two files have version 2", id="number"),
        pytest.param(_break_pair, "002_step.sql has no revision file", id="no revision"),
        pytest.param(_break_other_pair, "002_step.py has no migration file", id="no sql"),
        pytest.param(_break_sections, "there is no '-- DOWN' section", id="section"),
        pytest.param(_break_chain, "down_revision is '007' but must be '001'", id="chain"),
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
    done = workspace.run("validate", "--format", "json", environment=NO_DATABASE)
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert codes == {"file-name", "format", "broken-chain"}


def test_warnings_fail_with_strict_only(workspace: Workspace) -> None:
    workspace.add_tables("001", "003")
    for options, code in (((), 0), (("--strict",), 1), (("--strict", "--ignore", "number-gap"), 0)):
        done = workspace.run("validate", *options, environment=NO_DATABASE)
        assert done.returncode == code
    done = workspace.run("validate", environment=NO_DATABASE)
    assert "version 002 is missing before 003 [number-gap]" in done.stdout
    assert "0 errors, 1 warning in 2 migrations. " in done.stdout


def test_one_error_in_one_migration_is_counted_so(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "")
    done = workspace.run("validate", environment=NO_DATABASE)
    assert done.stdout.endswith(f"\n1 error in 1 migration. {NO_BASE}\n")
    done = workspace.run("validate", "--format", "github", environment=NO_DATABASE)
    assert done.stdout.endswith(f"\n1 finding in 1 migration. {NO_BASE}\n")


@pytest.fixture
def wrong(workspace: Workspace) -> Workspace:
    """A migration with a syntax error on line 6, and a plain CREATE TABLE on line 7."""
    workspace.add("001", "CREATE TABLE a (id in);\nCREATE TABLE b (id int);", "-- SELECT 1;")
    return workspace


def test_the_source_line_is_shown_with_a_caret(wrong: Workspace) -> None:
    done = wrong.run("validate", environment=NO_DATABASE)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "sql/course/001_step.sql\n"
        '  error:5:20: syntax error at or near "in" [syntax]\n'
        "      5 | CREATE TABLE a (id in);\n"
        "        |                    ^\n"
    )
    assert (
        "error:6: UP is not idempotent: `CREATE TABLE b` fails if b exists [not-repeatable]"
        in done.stdout
    )


def test_select_takes_codes_and_their_beginnings(wrong: Workspace) -> None:
    done = wrong.run("validate", "--select", "not-", "--format", "json", environment=NO_DATABASE)
    assert [one["code"] for one in json.loads(done.stdout)["findings"]] == ["not-repeatable"]
    done = wrong.run("validate", "--select", "not-repeatible", environment=NO_DATABASE)
    assert done.returncode == 2
    assert "did you mean not-repeatable" in done.stderr


def test_github_gets_a_workflow_command_for_each(wrong: Workspace) -> None:
    done = wrong.run("validate", "--format", "github", environment=NO_DATABASE)
    assert done.stdout.startswith(
        "::error file=sql/course/001_step.sql,line=5,col=20,title=syntax::"
        'syntax error at or near "in"%0Ahelp: '
    )


def test_sarif_names_rules_places_and_levels(wrong: Workspace) -> None:
    done = wrong.run("validate", "--format", "sarif", environment=NO_DATABASE)
    [run] = json.loads(done.stdout)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["not-repeatable", "syntax"]
    first = run["results"][0]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("syntax", 1, "error")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "sql/course/001_step.sql"
    assert place["region"] == {"startLine": 5, "startColumn": 20}


def test_junit_has_a_case_for_each_finding(wrong: Workspace) -> None:
    done = wrong.run("validate", "--format", "junit", environment=NO_DATABASE)
    suite = ElementTree.fromstring(done.stdout.partition("\n")[2])
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert suite[0].get("classname") == "sql/course/001_step.sql:5:20"


def test_explain_prints_a_page_with_both_examples(workspace: Workspace) -> None:
    done = workspace.run("validate", "--explain", "empty-down")
    assert done.returncode == 0
    assert "Bad:" in done.stdout
    assert "Good:" in done.stdout
    assert workspace.run("validate", "--explain", "empty-dwon").returncode == 2


def test_since_looks_at_what_is_above(wrong: Workspace) -> None:
    wrong.add_tables("002")
    done = wrong.run("validate", "--since", "001", environment=NO_DATABASE)
    assert done.returncode == 0
    assert "0 errors in 1 migration. Released files" in done.stdout


class TestLive:
    """Against the databases behind the URLs."""

    def findings(self, workspace: Workspace) -> dict[str, str]:
        done = workspace.run("validate", "--live", "--database", "course", "--format", "json")
        assert done.returncode in (0, 1), done.stderr
        return {one["code"]: one["message"] for one in json.loads(done.stdout)["findings"]}

    def test_a_database_that_is_what_the_files_say_gives_nothing(
        self, workspace: Workspace
    ) -> None:
        workspace.add_tables("001", "002")
        workspace.upgrade()
        assert self.findings(workspace) == {}
        done = workspace.run("validate", "--live", "--database", "course")
        assert f"0 errors in 2 migrations and database course. {NO_BASE}\n" in done.stdout

    def test_ledger_and_files_are_held_against_each_other(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "003", "004")
        workspace.upgrade("003")
        path = workspace.root / "sql/course/001_step.sql"
        path.write_text(path.read_text() + "-- later\n")
        workspace.remove("003")
        workspace.query("UPDATE schema_migrations SET rollback_sql = 'x' WHERE version = '001'")
        workspace.query("UPDATE alembic_version SET version_num = '777'")
        found = self.findings(workspace)
        assert found["live-changed"] == "the file was changed after course applied it"
        assert found["live-ahead"] == "003_step.sql is applied, but is not in this checkout"
        assert found["live-pending"].endswith("has not applied 004_step.sql")
        assert "was changed since it was stored" in found["live-rollback"]
        assert "disagree" in found["live-disagrees"]

    def test_a_late_file_below_an_applied_one(self, workspace: Workspace) -> None:
        workspace.add_tables("001", "003")
        workspace.upgrade()
        workspace.add_tables("002")
        assert "live-pending-below" in self.findings(workspace)

    def test_what_was_left_half_done(self, workspace: Workspace) -> None:
        workspace.query("CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)")
        workspace.query("ALTER TABLE a ADD CONSTRAINT c CHECK (id > 5) NOT VALID")
        with closing(psycopg2.connect(workspace.urls["course"])) as connection:
            connection.autocommit = True
            with pytest.raises(psycopg2.errors.UniqueViolation):
                connection.cursor().execute("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)")
        found = self.findings(workspace)
        assert found["live-invalid-index"] == "index public.i on a is invalid"
        assert found["live-not-valid"] == "constraint c of a was never validated"

    def test_without_a_url_nothing_could_be_checked(self, workspace: Workspace) -> None:
        done = workspace.run("validate", "--live", environment=NO_DATABASE)
        assert done.returncode == 2
        assert "AUTH_DB_URL is not set" in done.stderr


def test_a_password_without_quotes_is_not_in_the_error_that_it_makes(workspace: Workspace) -> None:
    workspace.add("001", "CREATE ROLE r PASSWORD hunter2x;\nCREATE TABLE a (id int bar);")
    done = workspace.run("validate", "--format", "json")
    assert done.returncode == 1
    assert 'syntax error at or near \\"***\\"' in done.stdout
    assert 'syntax error at or near \\"bar\\"' in done.stdout
    assert "hunter2x" not in done.stdout + workspace.run("validate").stdout
