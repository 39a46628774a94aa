"""validate.py --shadow as people call it: a server of its own or theirs, and nothing is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from scripts.embedded.server import Server
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
SHADOW = ("--shadow", "--database", "course")
DIFFERS = "CREATE TABLE IF NOT EXISTS a (id int);\nCREATE TABLE IF NOT EXISTS b (id int);"


@pytest.fixture
def creator(postgres: Server) -> Iterator[str]:
    """The URL of a role of a test's own, which may create databases; in the end it owns none."""
    role = f"creator_{uuid.uuid4().hex[:8]}"
    with closing(psycopg2.connect(postgres.url("postgres"))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {role} LOGIN CREATEDB")
        yield postgres.url("postgres").replace("postgres@", f"{role}@")
        cursor.execute(f"DROP ROLE {role}")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files of a test's own; its path is short, as sockets want it."""
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def variables(workspace: Workspace, temporary: Path) -> dict[str, str]:
    """Return an environment without any database."""
    named = {name: one for name, one in workspace.variables.items() if not name.endswith("_URL")}
    return {**named, "TMPDIR": str(temporary)}


def test_it_needs_no_database_and_leaves_no_server(workspace: Workspace, temporary: Path) -> None:
    workspace.add("001", DIFFERS, "DROP TABLE IF EXISTS a;")
    done = subprocess.run(
        [sys.executable, "scripts/validate.py", *SHADOW],
        cwd=workspace.root,
        env=variables(workspace, temporary),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "  error:6: the DOWN does not bring back what was before UP [shadow-down-differs]\n"
        "      6 | CREATE TABLE IF NOT EXISTS b (id int);\n"
        "    + CREATE TABLE public.b (\n"
        "    +     id integer\n"
        "    + )\n"
        "    help: `-` was there before UP, `+` is there after DOWN\n"
    ) in done.stdout
    assert "1 error in 1 migration, 1 of them run on a shadow." in done.stdout
    assert list(temporary.iterdir()) == []


def test_a_server_of_ones_own_is_used_and_left_as_it_was(
    workspace: Workspace, creator: str
) -> None:
    workspace.add("001", DIFFERS, "DROP TABLE IF EXISTS b;\nDROP TABLE IF EXISTS a;")
    done = workspace.run("validate", *SHADOW, "--shadow-url", creator)
    assert done.returncode == 0, done.stderr
    assert "0 errors in 1 migration, 1 of them run on a shadow." in done.stdout


def test_what_stays_on_the_server_is_said(workspace: Workspace, postgres: Server) -> None:
    role = f"made_{uuid.uuid4().hex[:8]}"
    up = f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
    workspace.add("001", up, "SELECT 1;")
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    said = "course: while the migrations ran, these came to the server: "
    (line,) = [one for one in done.stderr.splitlines() if role in one]
    assert line.startswith(said)
    with closing(psycopg2.connect(postgres.url("postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP ROLE {role}")


def test_a_server_that_cannot_be_reached_is_an_error(workspace: Workspace) -> None:
    workspace.add("001", DIFFERS, "DROP TABLE IF EXISTS b;")
    url = "postgresql://nobody@127.0.0.1:1/postgres"
    done = workspace.run("validate", *SHADOW, "--shadow-url", url)
    assert done.returncode == 1
    assert "error:  cannot create a database for the shadow\n" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1, 160], ids=["one worker", "several"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_one_that_is_ended(
    workspace: Workspace, temporary: Path, how: signal.Signals, size: int
) -> None:
    for number in range(1, size + 1):
        workspace.add(f"{number:03}", "SELECT pg_sleep(60);")
    run = subprocess.Popen(
        [sys.executable, "scripts/validate.py", *SHADOW],
        cwd=workspace.root,
        env=variables(workspace, temporary),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    ready = "*/postgres/*/data/postmaster.pid"
    servers = min(size, 2, os.cpu_count() or 1)
    until(lambda: len(list(temporary.glob(ready))) == servers, "the shadows to be at work")
    os.kill(run.pid, how)
    run.wait(60)
    until(lambda: not _pids(str(temporary)), "the server to be gone")
    until(lambda: not list(temporary.glob("*/postgres")), "its files to be gone")
    if how is not signal.SIGKILL:
        assert run.returncode == 128 + how
        assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_no_database_is_left_of_one_that_is_ended(
    workspace: Workspace, creator: str, how: signal.Signals
) -> None:
    workspace.add("001", "SELECT pg_sleep(60);")
    command = [sys.executable, "scripts/validate.py", *SHADOW, "--shadow-url", creator]
    run = subprocess.Popen(command, cwd=workspace.root, stderr=subprocess.PIPE, text=True)
    role = psycopg2.extensions.parse_dsn(creator)["user"]
    with closing(psycopg2.connect(creator)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def sleeps() -> bool:
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE usename = %s AND query LIKE %s"
                " AND pid <> pg_backend_pid()",
                (role, "%pg_sleep(60)%"),
            )
            return cursor.fetchone() is not None

        until(sleeps, "the migration to run")
        os.kill(run.pid, how)
        assert "it begins anew" in run.communicate(timeout=60)[1]
        assert run.returncode == 128 + how
        cursor.execute("SELECT FROM pg_database WHERE datdba = %s::regrole", (role,))
        assert cursor.fetchall() == []


@pytest.mark.parametrize("own", [True, False], ids=["a server each", "one server"])
def test_two_at_once_in_one_checkout_do_not_meet(
    workspace: Workspace, creator: str, own: bool
) -> None:
    workspace.add_tables("001", "002", "003")
    command = [sys.executable, "scripts/validate.py", *SHADOW]
    command += [] if own else ["--shadow-url", creator]
    both = [subprocess.Popen(command, cwd=workspace.root, stdout=subprocess.PIPE) for _ in "ab"]
    for one in both:
        printed = one.communicate(timeout=60)[0]
        assert b"0 errors in 3 migrations, 3 of them run on a shadow" in printed
        assert one.returncode == 0


def _pids(name: str) -> list[str]:
    """Return the processes whose command line names a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if name in path.read_text():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_what_was_proven_outranks_what_was_guessed(workspace: Workspace, postgres: Server) -> None:
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS a (id int);\n"
        "DO $$ BEGIN EXECUTE 'ALTER TABLE a DROP CONSTRAINT IF EXISTS c'; END $$;\n"
        "ALTER TABLE a ADD CONSTRAINT c CHECK (id > 0) NOT VALID;",
        "DROP TABLE IF EXISTS a;",
    )
    guessed = workspace.run("validate", "--database", "course")
    assert "[not-repeatable]" in guessed.stdout
    proven = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert proven.returncode == 0, proven.stderr


def test_only_new_migrations_are_proven_above_those_that_are_run_once(
    workspace: Workspace, postgres: Server
) -> None:
    workspace.add("001", "CREATE TABLE a (id int);", "SELECT 1;")
    workspace.add("002", "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int;", "SELECT 1;")
    url = postgres.url("postgres")
    done = workspace.run("validate", *SHADOW, "--shadow-url", url, "--since", "1")
    assert "001_step.sql" not in done.stdout
    assert "sql/course/002_step.sql\n  error:5: the DOWN does not bring back" in done.stdout
    assert "1 of them run on a shadow" in done.stdout


def test_a_comment_silences_one_finding(workspace: Workspace, postgres: Server) -> None:
    workspace.add(
        "001",
        "-- validate: ignore shadow-down-differs the index stays, on purpose\n"
        "CREATE TABLE IF NOT EXISTS a (id int);",
        "SELECT 1;",
    )
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 0, done.stderr


def test_an_earlier_file_that_fails_is_a_finding(workspace: Workspace, postgres: Server) -> None:
    workspace.add("001", "ALTER TABLE not_here ADD COLUMN IF NOT EXISTS a int;", "SELECT 1;")
    workspace.add("002", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    url = postgres.url("postgres")
    done = workspace.run("validate", *SHADOW, "--shadow-url", url, "--since", "1")
    assert done.returncode == 1
    assert "the UP fails, so that nothing after it was proven" in done.stdout
    assert "1 error in 1 migration, 0 of them run on a shadow" in done.stdout


def test_a_timeout_of_the_migration_is_not_the_snapshots(
    workspace: Workspace, postgres: Server
) -> None:
    down = "SET LOCAL statement_timeout = 20;\nDROP TABLE IF EXISTS a;"
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", down)
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql", "mysql"])
def test_no_error_of_the_url_has_its_password(workspace: Workspace, scheme: str) -> None:
    workspace.add_tables("001")
    url = f"{scheme}://bob:s3cret@127.0.0.1:1/postgres"
    done = workspace.run("validate", *SHADOW, "--shadow-url", url)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error:")
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("up", "down", "code"),
    [
        ("INSERT INTO a VALUES (1);", "SELECT 1;", "not-repeatable"),
        (
            "CREATE TABLE IF NOT EXISTS b (id int);",
            "DROP TABLE IF EXISTS b;\nDROP TABLE IF EXISTS a;\n"
            "DO $$ BEGIN EXECUTE 'CREATE TABLE a (id int)'; END $$;",
            "foreign-drop",
        ),
    ],
)
def test_what_nobody_compared_is_not_disproved(
    workspace: Workspace, postgres: Server, up: str, down: str, code: str
) -> None:
    workspace.add("001", "CREATE TABLE IF NOT EXISTS a (id int);", "DROP TABLE IF EXISTS a;")
    workspace.add("002", up, down)
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert f"[{code}]" in workspace.run("validate", "--database", "course").stdout
    assert f"[{code}]" in done.stdout


def test_a_comment_is_not_unused_where_the_shadow_did_not_come(
    workspace: Workspace, postgres: Server
) -> None:
    workspace.add("001", "SELECT 1 / 0;", "SELECT 1;")
    up = (
        "-- validate: ignore shadow-down-differs on purpose\nCREATE TABLE IF NOT EXISTS a (id int);"
    )
    workspace.add("002", up, "SELECT 1;")
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert "[shadow-up-fails]" in done.stdout
    assert "[unused-ignore]" not in done.stdout
    assert "1 after 001_step.sql were not run" in done.stderr


def test_no_finding_names_an_option_that_validate_lacks(
    workspace: Workspace, postgres: Server
) -> None:
    up = "CREATE TABLE IF NOT EXISTS a (id int UNIQUE);\nINSERT INTO a VALUES (4711), (4711);"
    workspace.add("001", up, "DROP TABLE IF EXISTS a;")
    done = workspace.run("validate", *SHADOW, "--shadow-url", postgres.url("postgres"))
    assert "[shadow-up-fails]" in done.stdout
    assert "the UP fails: duplicate key value violates unique constraint" in done.stdout
    assert "--show-values" not in done.stdout
