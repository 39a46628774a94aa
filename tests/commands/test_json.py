"""Real output is what docs/output.schema.json says, and every event is seen."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from jsonschema import Draft202012Validator

from tests.support.doors import DOORS, start
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
SCHEMA = json.loads((REPOSITORY / "docs" / "output.schema.json").read_text())
COURSE = ("--database", "course")


def check(found: Any, name: str) -> None:
    """Hold a value against a definition; an event against its own, so that the error says which."""
    if name == "event":
        name = found["event"]
    Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}).validate(found)


def events(said: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in said.splitlines()]
    for one in found:
        check(one, "event")
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_runs_and_dry_runs(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "SELECT 1;\nSELECT 2;", "SELECT 3;")
    seen = set[str]()
    for command in (
        ("migrate", *COURSE, "--json", "--dry-run"),
        ("migrate", *COURSE, "--json", "--dry-run", "--execute"),
        ("migrate", *COURSE, "--json", "-v"),
        ("migrate", *COURSE, "--json"),
        ("rollback", *COURSE, "--json", "--dry-run"),
        ("rollback", *COURSE, "--json", "--yes", "--to", "base"),
    ):
        done = workspace.run(*command)
        assert (done.returncode, done.stderr) == (0, "")
        seen |= {one["event"] for one in events(done.stdout)}
    assert seen == {
        "would_apply",
        "planned",
        "started",
        "statement",
        "finished",
        "ended",
        "notice",
        "would_roll_back",
        "will_roll_back",
    }


def test_a_failure_has_its_place_as_fields(workspace: Workspace) -> None:
    workspace.add("001", "SELECT 1;\nSELECT 1 / 0;")
    done = workspace.run("migrate", *COURSE, "--json")
    failed = events(done.stdout)[-1]
    assert (failed["event"], failed["version"], failed["filename"]) == (
        "failed",
        "001",
        "001_step.sql",
    )
    assert (failed["line"], failed["sqlstate"], failed["exit_code"]) == (6, "22012", 1)
    [(run,)] = workspace.query("SELECT DISTINCT run FROM schema_migrations_events")
    assert failed["run"] == run
    usage = workspace.run("migrate", "--database", "nowhere", "--json")
    assert events(usage.stdout)[-1]["exit_code"] == 2


def test_waits_and_progress_are_fields(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.query("INSERT INTO t_001 SELECT generate_series(1, 400000)")
    workspace.add(
        "002",
        "ALTER TABLE t_001 ADD COLUMN b text;\n"
        "UPDATE t_001 SET b = md5(id::text);\n"
        "CREATE INDEX ON t_001 (b, id);\n"
        "CREATE INDEX ON t_001 ((b || id));",
    )
    with closing(psycopg2.connect(workspace.urls["course"], application_name="shop")) as other:
        other.cursor().execute("LOCK TABLE t_001")
        settings = {"MIGRATION_LOCK_TIMEOUT": "0"}
        run = start(workspace, *DOORS["migrate"], "--json", environment=settings)
        assert run.stdout
        lines = [run.stdout.readline()]
        while '"waiting"' not in lines[-1]:
            assert lines[-1], "it ended without having waited"
            lines.append(run.stdout.readline())
        other.rollback()
        lines += run.communicate(timeout=60)[0].splitlines()
    found = events("\n".join(line.strip() for line in lines))
    waiting = next(one for one in found if one["event"] == "waiting")
    assert waiting["waits_for"] == "ACCESS EXCLUSIVE on t_001"
    [session] = waiting["blocked_by"]
    assert (session["application"], session["locks"]) == ("shop", ["ACCESS EXCLUSIVE"])
    assert "text" not in waiting
    phases = {one["phase"] for one in found if one["event"] == "progress"}
    assert any(phase.startswith("building index") for phase in phases)


def test_status_and_its_events(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "SELECT 1 / 0;")
    workspace.run("migrate", *COURSE)
    check(json.loads(workspace.run("status", "--json").stdout), "status")
    check(json.loads(workspace.run("status", "--events", "--json").stdout), "events")
    workspace.query("DROP TABLE schema_migrations")
    broken = json.loads(workspace.run("status", "--json").stdout)
    check(broken, "status")
    assert broken["databases"][1]["error"]["exit_code"] == 1


def test_validation(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE t (id int);", "DROP TABLE t;")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE t ADD COLUMN b int;", "")
    found = json.loads(workspace.run("validate", *COURSE, "--format", "json", "--plan").stdout)
    check(found, "validation")
    assert found["looked_at"]["migrations"] == 2
    assert found["locks"][0]["bytes"] is not None
    assert {one["column"] for one in found["findings"]} & {0} == set()
