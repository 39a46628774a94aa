"""Every command that README and docs name runs, and says what they quote."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest

from scripts.files import migration_file
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
PAGES = {path.name: path.read_text() for path in sorted((REPOSITORY / "docs").glob("*.md"))}
PAGES["README.md"] = (REPOSITORY / "README.md").read_text()
BEGINNINGS = r"(?:python scripts/\w+\.py|alembic -n \w+ |python -m scripts)"
COMMANDS = sorted(
    {
        found.strip()
        for text in PAGES.values()
        for found in [
            *re.findall(rf"`({BEGINNINGS}[^`\n]*)`", text),
            *re.findall(rf"(?m)^{BEGINNINGS}.*$", text),
        ]
    }
)
ASKS = (2, "cannot ask for confirmation: input is not a terminal")
SAID = {
    "python scripts/rollback.py": ASKS,
    "python scripts/rollback.py --database course --to 002": ASKS,
    "python scripts/rollback.py --database course --to 2": ASKS,
    "python scripts/rollback.py --drop-existing": ASKS,
    "python scripts/rollback.py --use-file": ASKS,
    "python scripts/rollback.py --partial": (2, "no file is half applied"),
    "alembic -n course -x partial=007 downgrade 006": (2, "007 is not half applied"),
    "python scripts/migrate.py --show-values": (2, "terminal"),
    "alembic -n course -x show_values=true upgrade head": (2, "terminal"),
    'python scripts/create.py --database billing --name "first_tables"': (2, "'billing' is not an"),
    "python scripts/baseline.py --database course": (1, "has a ledger already, and is at 028"),
    "python scripts/baseline.py --database course --at 003": (1, "has a ledger already"),
    "python scripts/migrate.py --database course --to 3": (2, "course is at 028, past 003"),
    "alembic -n course upgrade 001:003 --sql": (0, "BEGIN;"),
}
"""What a command says that cannot end with 0 here, and why; and one that needs no database."""
ENDLESS = "python scripts/status.py --watch"


def git(workspace: Workspace, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, cwd=workspace.root, check=True, capture_output=True)


@pytest.fixture
def ours(workspace: Workspace) -> Workspace:
    """The project's own files, released, and applied to both databases."""
    workspace.add_released("auth", "course")
    git(workspace, "init", "-q", "-b", "main")
    git(workspace, "add", "sql", "auth", "course", "alembic.ini")
    git(workspace, "commit", "-qm", "released")
    git(workspace, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert workspace.run("migrate").returncode == 0
    return workspace


@pytest.mark.parametrize("line", [one for one in COMMANDS if one != ENDLESS])
def test_a_command_that_is_named_runs(ours: Workspace, line: str) -> None:
    program, *arguments = shlex.split(line)
    as_module = ("-m", "alembic") if program == "alembic" else ()
    done = ours.execute(sys.executable, *as_module, *arguments)
    code, said = SAID.get(line, (0, ""))
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_there_are_commands_and_none_is_expected_that_is_not_named() -> None:
    assert len(COMMANDS) > 30
    assert set(SAID) | {ENDLESS} <= set(COMMANDS)


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "```sql" in text])
def test_sql_that_is_a_file_is_in_the_format(page: str) -> None:
    if page == "checks.md":
        return  # its examples are tried one by one by tests/checks/test_examples.py
    for text in re.findall(r"```sql\n(.*?)```", PAGES[page], re.DOTALL):
        if "-- UP" in text:
            file = migration_file.parse(REPOSITORY / "sql/course/001_a.sql", text)
            assert file.up.statements


def alike(text: str) -> str:
    """Return what is quoted without numbers and without where lines are broken."""
    return " ".join(re.sub(r"\d[\d.,:]*", "0", text).split())


def quoted(page: str, beginning: str) -> str:
    """Return the block of a page that begins in this way."""
    [found] = [
        str(block)
        for block in re.findall(r"```\w*\n(.*?)```", PAGES[page], re.DOTALL)
        if block.startswith(beginning)
    ]
    return found


def test_the_plan_that_is_quoted(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS orders (id int, total int);", "SELECT 1;")
    workspace.upgrade()
    workspace.query("INSERT INTO orders SELECT n, n FROM generate_series(1, 200000) n")
    workspace.query("ANALYZE orders")
    workspace.add("002", "ALTER TABLE orders ALTER COLUMN total TYPE bigint;", "SELECT 1;")
    done = workspace.run("validate", "--plan", "--database", "course")
    assert alike(quoted("operating.md", "sql/course/002_step.sql locks:")) in alike(done.stdout)


def test_the_takeover_that_is_quoted(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    for version in ("001", "002"):
        workspace.query(f"CREATE TABLE t_{version} (id int PRIMARY KEY)")
    workspace.query("CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)")
    workspace.query("INSERT INTO schema_migrations VALUES ('001'), ('002')")
    done = workspace.run("baseline", "--database", "course", "--yes")
    assert quoted("operating.md", "an earlier tool's ledger") in done.stdout


def test_the_failure_that_is_quoted(workspace: Workspace) -> None:
    users = "CREATE TABLE IF NOT EXISTS users (email text);"
    workspace.add("001", f"{users}\nINSERT INTO users VALUES ('a'), ('a');", "SELECT 1;")
    workspace.upgrade()
    index = "CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (email);"
    workspace.add("002", index, "SELECT 1;", slug="unique_email")
    done = workspace.run("migrate", "--database", "course")
    assert alike(quoted("operating.md", "error:  could not create")) in alike(done.stderr)


def bare(workspace: Workspace, version: str, slug: str, up: str, down: str) -> None:
    """Write a file without a description, so that its lines are those that are quoted."""
    path = workspace.add(version, up, down, slug=slug)
    path.write_text(f"-- Migration: {path.name}\n\n-- UP\n{up}\n\n-- DOWN\n{down}\n")


def test_the_failed_proof_that_is_quoted(workspace: Workspace) -> None:
    orders = "CREATE TABLE IF NOT EXISTS orders (id int, note text, total int DEFAULT 0);"
    bare(workspace, "001", "orders", orders, "DROP TABLE IF EXISTS orders;")
    up = (
        "CREATE INDEX IF NOT EXISTS orders_note_idx ON orders (note);\n"
        "CREATE TABLE IF NOT EXISTS coupons (code text);\n"
        "ALTER TABLE orders ALTER COLUMN total SET DEFAULT 5;"
    )
    bare(workspace, "002", "coupons", up, "DROP TABLE IF EXISTS coupons;")
    done = workspace.run("validate", "--shadow", "--database", "course", "--select", "shadow-down")
    assert done.returncode == 1
    assert alike(quoted("proof.md", "sql/course/002_coupons.sql")) in alike(done.stdout)


def test_the_locks_that_are_quoted(workspace: Workspace) -> None:
    bare(workspace, "001", "orders", "CREATE TABLE IF NOT EXISTS orders (total int);", "SELECT 1;")
    bare(workspace, "002", "more", "SELECT 1;", "SELECT 1;")
    up = "ALTER TABLE orders ADD CONSTRAINT total_check CHECK (total >= 0);"
    bare(workspace, "003", "total", up, "ALTER TABLE orders DROP CONSTRAINT total_check;")
    done = workspace.run("validate", "--shadow", "--database", "course")
    assert alike(quoted("proof.md", "sql/course/003_total.sql locks:")) in alike(done.stdout)


def test_the_json_that_is_quoted(workspace: Workspace) -> None:
    workspace.add_tables("001")
    done = workspace.run("migrate", "--database", "course", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    [finished] = [one for one in events if one["event"] == "finished"]
    shown = json.loads(" ".join(quoted("json.md", "{").split()))
    assert list(shown) == list(finished)


def test_the_revision_file_that_is_quoted_is_one(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "SELECT 1;", "SELECT 1;", slug="create_users_table")
    path = workspace.root / "course" / "versions" / "002_create_users_table.py"
    path.write_text(quoted("from-npm.md", '"""Create users table'))
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 0, done.stderr
