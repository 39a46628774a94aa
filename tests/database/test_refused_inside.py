"""What a transaction refuses, where its text does not show it: the error says how to go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.embedded.server import Server
from scripts.errors import StatementError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.fixture
def superuser(workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project whose login may do everything."""
    [(name,)] = workspace.query("SELECT current_database()")
    monkeypatch.setenv("COURSE_DB_URL", postgres.url(name))
    return replace(workspace, urls={**workspace.urls, "course": postgres.url(name)})


@pytest.mark.parametrize(
    ("up", "message", "hint"),
    [
        (
            "ALTER TYPE feeling ADD VALUE 'calm';\nSELECT 'calm'::feeling;",
            "unsafe use of new value",
            "add the enum value in a migration of its own, ahead of the one that uses it",
        ),
        (
            "CALL commits();",
            "invalid transaction termination",
            "a procedure that commits cannot run in a transaction: move it to a file of its own, "
            "with '-- Transaction: none' in the header",
        ),
        (
            "SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "SET TRANSACTION ISOLATION LEVEL must be called before any query",
            "",
        ),
        (
            "DO $$ BEGIN EXECUTE 'VACUUM'; END $$;",
            "VACUUM cannot run inside a transaction block",
            "",
        ),
        (
            "DROP SUBSCRIPTION far;",
            "DROP SUBSCRIPTION cannot run inside a transaction block",
            "move it to a file of its own, with '-- Transaction: none' in the header",
        ),
    ],
)
def test_the_error_says_how_to_go_on(
    superuser: Workspace, up: str, message: str, hint: str
) -> None:
    superuser.query("CREATE TYPE feeling AS ENUM ('sad')")
    superuser.query("CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'")
    superuser.query(
        "CREATE SUBSCRIPTION far CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)"
    )
    try:
        superuser.add("001", up)
        with pytest.raises(StatementError) as caught:
            superuser.upgrade()
    finally:
        superuser.query("ALTER SUBSCRIPTION far SET (slot_name = NONE); DROP SUBSCRIPTION far")
    assert message in caught.value.what
    assert caught.value.hint == hint


def test_what_the_database_lets_through_runs(superuser: Workspace) -> None:
    superuser.query("CREATE TABLE a (id int PRIMARY KEY)")
    superuser.add(
        "001",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false);\n"
        "ALTER SUBSCRIPTION s SET (slot_name = NONE);\n"
        "ALTER SUBSCRIPTION s SET PUBLICATION q WITH (refresh = false);\n"
        "DROP SUBSCRIPTION IF EXISTS s;\nDROP SUBSCRIPTION IF EXISTS s;\n"
        "REINDEX (CONCURRENTLY false) INDEX a_pkey;\nREINDEX (VERBOSE off) TABLE a;",
    )
    superuser.upgrade()
    assert superuser.versions() == ["001"]
