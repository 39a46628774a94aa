"""What runs before a merge: the workflow's commands as they are written, and the hook."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.workspace import REPOSITORY

WORKFLOW = REPOSITORY / ".github/workflows/migrations.yml"
HOOKS = REPOSITORY / ".pre-commit-hooks.yaml"
DIFFERS = """-- Description: two tables
-- UP
CREATE TABLE IF NOT EXISTS one (id bigint PRIMARY KEY);
CREATE TABLE IF NOT EXISTS two (id bigint PRIMARY KEY);
-- DOWN
DROP TABLE IF EXISTS one;
"""


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def run(folder: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step's command as a runner does: https://docs.github.com/actions, `shell: bash`."""
    named = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    path = f"{folder / '.venv/bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env={**named, "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def steps() -> list[dict[str, Any]]:
    workflow = YAML(typ="safe").load(WORKFLOW)
    return list(workflow["jobs"]["validate"]["steps"])


def command(name: str) -> str:
    (found,) = (step["run"] for step in steps() if step.get("name") == name)
    return str(found)


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """A checkout of a branch on top of origin/main, with what is tracked or about to be."""
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-co", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in listed:
        if (REPOSITORY / name).is_file() and not name.startswith("tests/"):
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, origin / name)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(origin))
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "all that there is")
    git(tmp_path, "clone", "--quiet", str(origin), str(checkout))
    return checkout


def add_migration(checkout: Path, text: str) -> Path:
    """Add a migration as create.py makes it."""
    made = run(checkout, "python scripts/create.py --database course --name change")
    assert made.returncode == 0, made.stderr
    (path,) = (checkout / "sql/course").glob("*_change.sql")
    path.write_text(text)
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "a change")
    return path


def test_the_workflow_is_what_its_schema_says() -> None:
    checked = run(
        REPOSITORY, f"check-jsonschema --builtin-schema vendor.github-workflows {WORKFLOW}"
    )
    assert checked.returncode == 0, checked.stdout


def test_actions_are_pinned_and_permissions_are_few() -> None:
    workflow = YAML(typ="safe").load(WORKFLOW)
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) == 3
    assert all(re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", name) for name in used)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["validate"]["permissions"] == {
        "contents": "read",
        "security-events": "write",
    }
    (checkout,) = (step["with"] for step in steps() if "checkout@" in step.get("uses", ""))
    assert checkout == {"fetch-depth": 0, "persist-credentials": False}


@pytest.mark.database
def test_its_commands_find_a_defect_of_a_pull_request(pull_request: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(pull_request / ".venv")], check=True)
    installed = run(pull_request, command("Install"))
    assert installed.returncode == 0, installed.stderr
    path = add_migration(pull_request, DIFFERS).relative_to(pull_request)
    summary = pull_request / "summary.md"
    done = run(
        pull_request,
        command("Validate"),
        GITHUB_BASE_REF="main",
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.returncode == 1, done.stderr
    assert f"::error file={path},line=4,title=shadow-down-differs::the DOWN does not" in done.stdout
    assert "in 1 migration, 1 of them run on a shadow" in done.stdout
    assert "+ CREATE TABLE public.two (" in summary.read_text()
    (sarif_run,) = json.loads((pull_request / "migrations.sarif").read_text())["runs"]
    assert "shadow-down-differs" in {one["ruleId"] for one in sarif_run["results"]}


@pytest.mark.database
def test_its_commands_let_a_right_one_pass(pull_request: Path) -> None:
    down = "DROP TABLE IF EXISTS one;"
    add_migration(pull_request, DIFFERS.replace(down, f"DROP TABLE IF EXISTS two;\n{down}"))
    variables = {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(pull_request / "s.md")}
    done = run(pull_request, command("Validate"), **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "0 findings in 1 migration, 1 of them run on a shadow\n"


def test_the_hook_finds_what_is_wrong_in_a_commit(pull_request: Path, tmp_path: Path) -> None:
    add_migration(pull_request, DIFFERS.replace("CREATE TABLE IF NOT EXISTS two", "CREATE TABEL x"))
    tried = run(
        pull_request,
        f"pre-commit validate-manifest {HOOKS} && pre-commit try-repo ../origin --all-files",
        PRE_COMMIT_HOME=str(tmp_path / "pre-commit"),
    )
    assert tried.returncode == 1, tried.stdout
    assert "validate SQL migrations" in tried.stdout
    assert "_change.sql" in tried.stdout
    assert 'syntax error at or near "TABEL"' in tried.stdout
