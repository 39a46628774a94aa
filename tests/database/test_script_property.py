"""Whatever a history holds, its script leaves under psql what a run leaves."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripts.embedded.server import Server
from tests.support.databases import new_database
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
EXAMPLES = 20
OUTSIDE = "-- Transaction: none\n"
# {0} is a number of its own; what stands ahead of it may be anything.
STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS t{0} (id int, b text DEFAULT '100% :name \\ $1')",
    "INSERT INTO base VALUES ({0}, 'it''s; -- :x %s'), ({0}, E'a\\'b\\n; c'), ({0}, $q$; -- ä $q$)",
    "CREATE FUNCTION f{0}() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 1; /* x; */ END $f$",
    "CREATE FUNCTION f{0}(a int) RETURNS int BEGIN ATOMIC; SELECT CASE a WHEN 1 THEN 2 END; END",
    "COMMENT ON TABLE base IS U&'d\\0061t\\+000061 ; -- {0}'",
    "SELECT /* ; /* nested */ -- */ a[1:2] FROM (SELECT ARRAY[{0}]) s(a)",
    'CREATE VIEW "v; -- {0}" AS SELECT 1 AS ":x"',
    "DO $$ BEGIN PERFORM set_config('search_path', 'public', true); END $$",
    "UPDATE base SET id = id + 1",
)
ENDINGS = (
    ";",
    "",
    "\n-- later: select 1;",
    " -- it's the end;",
    " /* ; */",
    "\n/* a */ -- b;\n/* ; */",
    ";;",
    ";\n-- ; nothing",
    "\n;  ",
)
Section = tuple[tuple[str, ...], str]
SECTION = st.tuples(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(ENDINGS),
)
MIGRATION = st.tuples(st.sampled_from(["", OUTSIDE]), SECTION)


def text(section: Section, number: int) -> str:
    """Write a section; each statement but the last one ends with a semicolon of its own."""
    statements, ending = section
    numbered = [one.replace("{0}", f"{number}{at}") for at, one in enumerate(statements)]
    return ";\n".join(numbered) + ending


def run_script(workspace: Workspace) -> None:
    """Run course's script on auth's database."""
    script = workspace.alembic("-n", "course", "upgrade", "head", "--sql")
    assert (script.returncode, script.stderr) == (0, "")
    done = subprocess.run(
        [workspace.bin / "psql", "-X", "-q", "--dbname", workspace.urls["auth"]],
        input=script.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{script.stdout}"


def left(workspace: Workspace, environment: str) -> str:
    """Return schema, data and ledger of a database; the two runs differ in their times."""
    workspace.query(
        "UPDATE schema_migrations SET applied_at = '2000-01-01', duration_ms = 0", environment
    )
    return workspace.dump(environment, "--inserts")


def test_the_script_of_any_history_leaves_what_a_run_leaves(
    tmp_path: Path, postgres: Server, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("MIGRATION_TABLE", "MIGRATION_FALLBACK"):
        monkeypatch.delenv(setting, raising=False)
    numbers = itertools.count(1)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
    @example([("", (("CREATE TABLE a(i int)",), "\n-- later: select 1;"))])
    @given(st.lists(MIGRATION, min_size=1, max_size=4))
    def play(migrations: Sequence[tuple[str, Section]]) -> None:
        number = next(numbers)
        name = f"script_{worker_id}_{number}"
        with new_database(postgres, f"{name}_a") as auth, new_database(postgres, name) as course:
            urls = {"auth": auth, "course": course}
            workspace = Workspace.make(tmp_path / str(number), urls, postgres.bin)
            workspace.add("001", "CREATE TABLE base (id int, b text);")
            for at, (header, section) in enumerate(migrations, 2):
                workspace.add(f"{at:03}", text(section, at), header=header)
            run_script(workspace)
            online = workspace.run("migrate", "--database", "course")
            assert online.returncode == 0, online.stderr
            assert left(workspace, "auth") == left(workspace, "course")

    play()
