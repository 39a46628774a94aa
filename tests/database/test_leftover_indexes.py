"""Invalid indexes that a cut leaves: those of this run are dropped, all others named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any

import psycopg2
import pytest

from scripts.embedded.server import Server
from scripts.engine.execution import index_build, invalid_index
from scripts.errors import StatementError
from tests.support.servers import PATIENCE, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
HEADER = "-- Transaction: none\n-- Lock-Timeout: 150ms\n"
INVALID = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE NOT indisvalid AND c.relkind = 'i' ORDER BY 1"
)


def indexes(workspace: Workspace) -> list[tuple[str, bool]]:
    rows = workspace.query(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
        " WHERE indrelid::regclass::text !~ '^(pg_|schema_migrations|alembic)' ORDER BY 1"
    )
    return [(name, valid) for name, valid in rows]


def tried_again(workspace: Workspace) -> bool:
    return any("attempt 2 of" in notice for notice in workspace.recorder.notices)


@contextmanager
def used(workspace: Workspace, table: str = "a") -> Iterator[None]:
    """Keep a table in use by an open transaction, which a build waits for."""
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute(f"INSERT INTO {table} VALUES (1)")
        yield


@contextmanager
def running_beside(use: AbstractContextManager[None], workspace: Workspace) -> Iterator[None]:
    """Run an upgrade while a table is in use, and see that it comes to a good end after."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            workspace.upgrade()
        except BaseException as error:
            ended.append(error)
            raise
        ended.append(None)

    thread = threading.Thread(target=run)
    try:
        # In use before the run begins: it would otherwise be over before anything is in its way.
        with use:
            thread.start()
            yield
    finally:
        thread.join(PATIENCE)
    assert ended == [None]


@pytest.mark.parametrize(
    ("statement", "left", "after"),
    [
        ("CREATE INDEX CONCURRENTLY ON a (id);", "a_id_idx", ("a_id_idx", True)),
        ('CREATE UNIQUE INDEX CONCURRENTLY U&"d\\0061x" ON a (id);', "dax", ("dax", True)),
        ("REINDEX INDEX CONCURRENTLY a_pkey;", "a_pkey_ccnew", None),
        ("REINDEX (CONCURRENTLY, VERBOSE off) TABLE a;", "a_pkey_ccnew", None),
        ("REINDEX SCHEMA CONCURRENTLY public;", "a_pkey_ccnew", None),
    ],
)
def test_what_a_cut_leaves_is_gone_when_the_statement_has_run(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    left: str,
    after: tuple[str, bool] | None,
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "20")
    workspace.query("CREATE TABLE a (id int PRIMARY KEY)")
    workspace.add("001", statement, header=HEADER)
    with running_beside(used(workspace), workspace):
        until(lambda: (left,) in workspace.query(INVALID), "a cut")
        until(lambda: tried_again(workspace), "another attempt")
    assert indexes(workspace) == sorted([("a_pkey", True), *([after] if after else [])])
    assert workspace.query(INVALID) == []
    assert any(f"dropped the invalid index public.{left}," in n for n in workspace.recorder.notices)
    assert workspace.versions() == ["001"]


def test_what_cannot_be_dropped_is_named_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "0")
    workspace.query("CREATE TABLE a (id int PRIMARY KEY)")
    workspace.add("001", "CREATE INDEX CONCURRENTLY ON a (id);", header=HEADER)
    with used(workspace), pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert workspace.query(INVALID) == [("a_id_idx",)]
    [notice] = [n for n in workspace.recorder.notices if "a_id_idx" in n]
    assert notice.startswith("this run left the invalid index public.a_id_idx (canceling")
    assert notice.endswith("; drop it with DROP INDEX CONCURRENTLY")
    assert "an INVALID index that the failed one left was dropped, or is named above" in (
        caught.value.state
    )


def test_one_of_a_toast_table_is_named_for_somebody_who_may_drop_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "20")
    workspace.query("CREATE TABLE a (id int PRIMARY KEY, long text)")
    workspace.add("001", "REINDEX TABLE CONCURRENTLY a;", header=HEADER)
    with running_beside(used(workspace), workspace):
        until(lambda: tried_again(workspace), "another attempt")
    left = [name for (name,) in workspace.query(INVALID)]
    assert left
    assert all(name.startswith("pg_toast_") for name in left)
    named = [n for n in workspace.recorder.notices if n.startswith("this run left")]
    assert named == [
        f"this run left the invalid index pg_toast.{name} (permission denied for schema pg_toast"
        " [42501]); drop it with DROP INDEX CONCURRENTLY"
        for name in left
    ]
    assert indexes(workspace) == [("a_pkey", True)]


def test_another_s_index_is_named_and_left_alone(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "20")
    workspace.query("CREATE TABLE a (id int, x int); CREATE INDEX other ON a (id, x)")
    workspace.add("001", "CREATE INDEX CONCURRENTLY ON a (id);", header=HEADER)
    [(name,)] = workspace.query("SELECT current_database()")
    with running_beside(used(workspace), workspace):
        until(lambda: workspace.query(INVALID), "a cut")
        with (
            closing(psycopg2.connect(postgres.url(name))) as admin,
            admin,
            admin.cursor() as cursor,
        ):
            # As somebody's failed build would leave it.
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'other'::regclass"
            )
    assert indexes(workspace) == [("a_id_idx", True), ("other", False)]
    assert workspace.recorder.notices[-1] == (
        "these other indexes are invalid: public.other (DROP or REINDEX them)"
    )


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS U&"d\\0061x" ON a (id);',
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS dax ON {database}.public.a (id);",
        "SET search_path = other;\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS dax ON a (id);",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS dax ON part (id);",
    ],
)
def test_the_invalid_index_of_a_killed_run_is_recognised_by_its_name(
    workspace: Workspace, statement: str
) -> None:
    workspace.query(
        "CREATE SCHEMA other; CREATE TABLE other.a (id int); CREATE TABLE a (id int);"
        "CREATE TABLE whole (id int) PARTITION BY LIST (id);"
        "CREATE TABLE part PARTITION OF whole DEFAULT;"
    )
    tables = ("a", "other.a", "part")
    with closing(psycopg2.connect(workspace.urls["course"])) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        [schema, table] = (
            ("other", "other.a")
            if "other" in statement
            else ("public", "part")
            if "part" in statement
            else ("public", "a")
        )
        assert table in tables
        cursor.execute(f"INSERT INTO {table} VALUES (1), (1)")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY dax ON {table} (id)")
        cursor.execute(f"DELETE FROM {table}")
    [(database,)] = workspace.query("SELECT current_database()")
    workspace.add("001", statement.replace("{database}", database), header="-- Transaction: none\n")
    workspace.upgrade()
    assert workspace.query(INVALID) == []
    assert workspace.query(f"SELECT to_regclass('{schema}.dax') IS NOT NULL") == [(True,)]
    assert workspace.recorder.notices == [
        f"dropped the invalid index {schema}.dax, which a failed build had left"
    ]


def test_a_table_of_another_database_is_left_to_the_server(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "CREATE INDEX CONCURRENTLY i ON elsewhere.public.a (id);", header=HEADER)
    with pytest.raises(StatementError, match="cross-database references are not implemented"):
        workspace.upgrade()


@pytest.mark.parametrize("statement", ["mine ON a (id)", "ON a (id)"])
def test_what_another_session_left_meanwhile_is_not_taken_for_ours(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_RETRIES", "30")
    workspace.query("CREATE TABLE a (id int, x int)")
    workspace.add("001", f"CREATE INDEX CONCURRENTLY {statement};", header=HEADER)
    with running_beside(used(workspace), workspace):
        until(lambda: tried_again(workspace), "another attempt")
        with closing(psycopg2.connect(workspace.urls["course"])) as person:
            person.autocommit = True
            cursor = person.cursor()
            cursor.execute("SET lock_timeout = '300ms'")
            until(lambda: leaves(workspace, cursor), "their build to come between two attempts")
    assert ("theirs", False) in indexes(workspace)
    assert workspace.recorder.notices[-1] == (
        "these other indexes are invalid: public.theirs (DROP or REINDEX them)"
    )


def leaves(workspace: Workspace, cursor: psycopg2.extensions.cursor) -> bool:
    """Build an index in vain; tell whether it left one."""
    with suppress(psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
        cursor.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS theirs ON a (x)")
    return ("theirs",) in workspace.query(INVALID)


def test_an_index_that_becomes_valid_at_the_last_moment_is_kept(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.query("CREATE TABLE a (id int); CREATE INDEX i ON a (id)")
    workspace.add(
        "001",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);",
        header="-- Transaction: none\n",
    )
    [(name,)] = workspace.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        admin.autocommit = True
        update = "UPDATE pg_index SET indisvalid = {} WHERE indexrelid = 'i'::regclass"
        admin.cursor().execute(update.format("false"))
        looked = invalid_index.builder

        def ends(*arguments: Any) -> int | None:
            found = looked(*arguments)
            admin.cursor().execute(update.format("true"))
            return found

        monkeypatch.setattr(invalid_index, "builder", ends)
        workspace.upgrade()
    assert indexes(workspace) == [("i", True)]
    assert not any("dropped" in notice for notice in workspace.recorder.notices)


def test_the_old_index_that_a_reindex_put_aside_is_dropped(
    workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when REINDEX of an invalid index is cut short after the swap."""
    workspace.query("CREATE TABLE a (id int); CREATE INDEX i ON a (id)")
    workspace.add("001", "REINDEX INDEX CONCURRENTLY i;", header="-- Transaction: none\n")
    [(name,)] = workspace.query("SELECT current_database()")
    with closing(psycopg2.connect(postgres.url(name))) as admin:
        admin.autocommit = True
        admin.cursor().execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
        )
        run = index_build.IndexBuild.problem

        def cut(build: index_build.IndexBuild) -> str:
            admin.cursor().execute("ALTER INDEX i RENAME TO i_ccold; CREATE INDEX i ON a (id)")
            admin.cursor().execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_ccold'::regclass"
            )
            return run(build)

        monkeypatch.setattr(index_build.IndexBuild, "problem", cut)
        workspace.upgrade()
    assert indexes(workspace) == [("i", True)]
