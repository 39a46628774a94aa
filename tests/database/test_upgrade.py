"""Applying migrations: what runs, what it leaves, and what stops it."""

from __future__ import annotations

import hashlib

import pytest

from scripts.errors import FormatError, HistoryError, LedgerError, StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_pending_migrations_run_in_order_and_the_ledger_says_so(workspace: Workspace) -> None:
    workspace.add_tables("001", "002", "003")
    workspace.upgrade()
    assert workspace.tables() == ["t_001", "t_002", "t_003"]
    assert workspace.versions() == ["001", "002", "003"]
    assert workspace.alembic_version() == ["003"]
    assert [result.version for result in workspace.recorder.results] == ["001", "002", "003"]


def test_the_ledger_keeps_all_that_a_rollback_and_an_auditor_need(workspace: Workspace) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);", "-- DROP TABLE a;", slug="make_a")
    workspace.upgrade()
    [row] = workspace.query(
        "SELECT version, filename, rollback_sql, checksum, description, applied_by,"
        " duration_ms >= 0, applied_at BETWEEN now() - interval '1 minute' AND now()"
        " FROM schema_migrations"
    )
    assert row == (
        "001",
        "001_make_a.sql",
        "DROP TABLE a;\n",
        hashlib.sha256(path.read_bytes()).hexdigest(),
        "make_a",
        "migrator",
        True,
        True,
    )


def test_a_second_run_changes_nothing(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    before = workspace.dump()
    workspace.upgrade()
    assert workspace.dump() == before
    assert len(workspace.recorder.results) == 1


def test_a_refused_statement_is_rolled_back_and_named_with_its_line(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add("002", "CREATE TABLE a (id int);\n\nINSERT INTO\n  nowhere VALUES (1);")
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    text = str(caught.value)
    assert text.startswith(
        'error:  relation "nowhere" does not exist [42P01]\n'
        "at:     course: sql/course/002_step.sql:8\n"
        "           8 |   nowhere VALUES (1);\n"
        "             |   ^\n"
    )
    assert "rolled back; course is at 001" in text
    assert workspace.tables() == ["t_001"]
    assert workspace.versions() == workspace.alembic_version() == ["001"]


def test_what_ran_before_a_failure_stays_applied(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.add("003", "SELECT 1/0;")
    with pytest.raises(StatementError, match="division by zero"):
        workspace.upgrade()
    assert workspace.versions() == ["001", "002"]
    assert [result.version for result in workspace.recorder.results] == ["001", "002"]


def test_a_malformed_file_stops_the_run_before_the_files_ahead_of_it(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.add("003", "SELECT 'open;")
    with pytest.raises(FormatError, match="never closed") as caught:
        workspace.upgrade()
    assert caught.value.where == "sql/course/003_step.sql:5"
    assert workspace.tables() == []
    assert workspace.state().applied == ()


def test_text_reaches_the_server_byte_for_byte(workspace: Workspace) -> None:
    nasty = "100% %s %(x)s :name ::text $1 \\ \\n ä€😀 {brace} -- no comment\r\nnext /* line */"
    workspace.add(
        "001", f"CREATE TABLE a (t text);\nINSERT INTO a VALUES ($q${nasty}$q$), ('{nasty}');"
    )
    workspace.upgrade()
    assert workspace.query("SELECT t FROM a") == [(nasty,), (nasty,)]


def test_a_file_of_five_megabytes_is_applied_whole(workspace: Workspace) -> None:
    rows = ",\n".join(f"({n}, '{'text that goes on ' * 15} {n:020}')" for n in range(17_000))
    workspace.add(
        "001", f"CREATE TABLE a (id int, t text);\nINSERT INTO a VALUES\n{rows};", "DROP TABLE a;"
    )
    workspace.upgrade()
    assert workspace.query("SELECT count(*), sum(id) FROM a") == [(17_000, 144_491_500)]


def test_a_file_with_a_byte_order_mark_and_crlf_has_the_checksum_of_its_plain_twin(
    workspace: Workspace,
) -> None:
    path = workspace.add("001", "CREATE TABLE a (id int);", "-- DROP TABLE a;")
    plain = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
    workspace.upgrade()
    assert workspace.query("SELECT checksum FROM schema_migrations") == [
        (hashlib.sha256(plain).hexdigest(),)
    ]
    path.write_bytes(plain)
    workspace.upgrade()


def test_a_changed_file_stops_the_run_with_both_checksums(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    path = workspace.root / "sql/course/001_step.sql"
    applied = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(path.read_text() + "-- a late thought\n")
    with pytest.raises(LedgerError, match="changed after being applied") as caught:
        workspace.upgrade()
    text = str(caught.value)
    assert applied in text
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert "git log -p -- sql/course/001_step.sql" in text
    assert workspace.versions() == ["001"]


def test_a_migration_below_an_applied_one_is_refused(workspace: Workspace) -> None:
    workspace.add_tables("001", "003")
    workspace.upgrade()
    workspace.remove("003")
    workspace.add_tables("002", "003")
    with pytest.raises(LedgerError, match=r"002_step\.sql is not applied, but 003 is") as caught:
        workspace.upgrade()
    assert "give 002 a number above 003" in str(caught.value)


def test_a_search_path_set_by_a_migration_does_not_lead_the_ledger_astray(
    workspace: Workspace,
) -> None:
    workspace.add("001", "SELECT pg_catalog.set_config('search_path', '', false);")
    workspace.add("002", "CREATE TABLE public.a (id int);")
    workspace.upgrade()
    assert workspace.query("SELECT version FROM public.schema_migrations ORDER BY 1") == [
        ("001",),
        ("002",),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'revision = "002"\ndown_revision = "001"\n\n\n'
            "def upgrade(run):\n    pass\n\n\ndef downgrade(run):\n    pass\n",
            "`upgrade, downgrade = migration(__file__)` is missing",
        ),
        (
            "import os\n\nfrom scripts.engine.revision import migration\n\n"
            'revision = "002"\ndown_revision = "001"\n\nopen("touched", "w")\n\n'
            "upgrade, downgrade = migration(__file__)\n",
            "it does more than name its SQL file: import os",
        ),
    ],
)
def test_a_revision_file_that_does_something_else_is_refused_before_anything_through_both_doors(
    workspace: Workspace, text: str, problem: str
) -> None:
    workspace.add_tables("001", "002")
    (workspace.root / "course/versions/002_step.py").write_text(text)
    for done in (
        workspace.run("migrate", "--database", "course"),
        workspace.alembic("-n", "course", "upgrade", "head"),
        workspace.alembic("-n", "course", "upgrade", "head", "--sql"),
    ):
        assert done.returncode == 1
        assert f"002_step.py is not a valid revision file: {problem}" in done.stderr
        assert "at:     course: course/versions/002_step.py" in done.stderr
    assert workspace.tables() == []
    assert not (workspace.root / "touched").exists()


def test_two_revision_files_with_one_id_are_refused(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    second = workspace.root / "course/versions/002_step.py"
    second.write_text((workspace.root / "course/versions/001_step.py").read_text())
    with pytest.raises(HistoryError, match="leave the order of the numbers"):
        workspace.upgrade()


def test_a_sql_file_without_a_revision_file_is_refused_not_skipped(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    (workspace.root / "course/versions/002_step.py").unlink()
    with pytest.raises(HistoryError, match=r"002_step\.sql has no revision file"):
        workspace.upgrade()
    assert workspace.tables() == []


def test_timeouts_of_the_header_hold_for_the_file_and_end_with_it(workspace: Workspace) -> None:
    show = (
        "CREATE TABLE {} AS SELECT current_setting('lock_timeout') AS l,"
        " current_setting('statement_timeout') AS s;"
    )
    workspace.add(
        "001", show.format("a"), header="-- Lock-Timeout: 3s\n-- Statement-Timeout: 2min\n"
    )
    workspace.add("002", show.format("b"), header="-- Transaction: none\n-- Lock-Timeout: 1500ms\n")
    workspace.add("003", show.format("c"))
    workspace.upgrade()
    assert workspace.query("TABLE a") == [("3s", "2min")]
    assert workspace.query("TABLE b") == [("1500ms", "0")]
    assert workspace.query("TABLE c") == [("5s", "0")]


def test_an_index_is_built_concurrently_without_a_transaction(workspace: Workspace) -> None:
    workspace.add("001", "CREATE TABLE a (id int);")
    workspace.add(
        "002",
        "CREATE INDEX CONCURRENTLY a_id ON a (id);",
        "-- DROP INDEX CONCURRENTLY a_id;",
        header="-- Transaction: none\n",
    )
    workspace.upgrade()
    assert workspace.query(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_id'::regclass"
    ) == [(True,)]
    workspace.downgrade("001")
    assert workspace.query("SELECT to_regclass('a_id')") == [(None,)]
    assert workspace.versions() == ["001"]


def test_a_failure_without_a_transaction_says_what_has_taken_effect(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nSELECT 1/0;\nCREATE TABLE c (id int);",
        header="-- Transaction: none\n",
    )
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert "NOT rolled back" in caught.value.state
    assert "2 of its 4 statements took effect; course is at base" in caught.value.state
    assert workspace.tables() == ["a", "b"]
    assert workspace.versions() == []


def test_a_migration_that_the_chain_of_revisions_leaves_out_stops_the_run(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "002")
    path = workspace.root / "course/versions/002_step.py"
    path.write_text(path.read_text().replace('down_revision = "001"', "down_revision = None"))
    done = workspace.run("migrate", "--database", "course")
    assert done.returncode == 1
    assert "the revision files leave the order of the numbers" in done.stderr
    assert workspace.tables() == []


@pytest.mark.parametrize("text", ["def (:\n", "import nothing_of_that_name\n"])
def test_a_revision_file_that_can_not_be_loaded_is_named(workspace: Workspace, text: str) -> None:
    workspace.add_tables("001")
    (workspace.root / "course/versions/001_step.py").write_text(text)
    for done in (
        workspace.run("migrate", "--database", "course"),
        workspace.alembic("-n", "course", "upgrade", "head"),
    ):
        assert done.returncode == 1
        assert "001_step.py is not a valid revision file" in done.stderr
        assert "at:     course: course/versions/001_step.py" in done.stderr
        assert "state:  nothing was changed in course" in done.stderr
        assert "Traceback" not in done.stderr
