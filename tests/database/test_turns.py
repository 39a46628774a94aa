"""One message commits a migration and begins the next: what it holds together, and what not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scripts.engine.execution.transaction import Transaction
from scripts.errors import LedgerError, ServerError
from tests.support.interference import Interference
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def statements(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is sent on the runs' connections from here on."""
    from scripts.engine.session import database

    sent: list[str] = []
    execute = database.execute

    def watched(*arguments: object) -> object:
        sent.append(str(arguments[1]))
        return execute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "execute", watched)
    return sent


def turns(sent: Sequence[str]) -> list[str]:
    return [text for text in sent if "; COMMIT; BEGIN; " in text]


def test_a_migration_takes_a_message_for_each_statement_and_one_more(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001", "002", "003", "004")
    sent = statements(workspace, monkeypatch)
    workspace.upgrade()
    assert len(turns(sent)) == 3
    between = sent[sent.index(turns(sent)[0]) : sent.index(turns(sent)[2])]
    assert len(between) == 2 * 2
    sent.clear()
    workspace.downgrade("base")
    assert len(turns(sent)) == 3


def test_no_sql_of_a_file_shares_a_message_with_transaction_control(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add("001", "CREATE TABLE a (t text DEFAULT 'in the file');", "DROP TABLE a;")
    workspace.add("002", "SELECT 'in the file';")
    sent = statements(workspace, monkeypatch)
    workspace.upgrade()
    assert all("in the file" not in text for text in turns(sent))


def test_a_commit_stands_where_the_next_one_cannot_be_begun(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add_tables("001", "002", "003")
    monkeypatch.setattr(Transaction, "opening", lambda *_: "SELECT 1/0;")
    workspace.upgrade()
    assert workspace.versions() == ["001", "002", "003"]
    assert workspace.tables() == ["t_001", "t_002", "t_003"]
    assert workspace.recorder.notices == []


def test_a_version_that_another_session_moves_keeps_the_commit_from_being_run(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "002", "003")
    workspace.recorder = Interference(
        "002_step.sql", lambda: workspace.query("UPDATE alembic_version SET version_num = '777'")
    )
    with pytest.raises(LedgerError, match="alembic_version is no longer at 001") as caught:
        workspace.upgrade()
    assert caught.value.state == "rolled back; course is at 001"
    assert workspace.tables() == ["t_001"]
    assert workspace.versions() == ["001"]


def test_a_stored_rollback_that_changes_during_the_run_is_not_the_one_that_ran(
    workspace: Workspace,
) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade()
    workspace.recorder = Interference(
        "002_step.sql",
        lambda: workspace.query(
            "UPDATE schema_migrations SET rollback_sql = 'SELECT 1;', rollback_checksum ="
            " encode(sha256('SELECT 1;'), 'hex') WHERE version = '001'"
        ),
    )
    with pytest.raises(LedgerError, match=r"the row of 001 in public\.\w+ was changed"):
        workspace.downgrade("base")
    assert workspace.versions() == ["001"]
    assert workspace.tables() == ["t_001"]


def test_a_commit_that_is_refused_names_its_own_file_and_not_the_next(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int REFERENCES a"
        " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);",
    )
    workspace.add_tables("002")
    with pytest.raises(ServerError) as caught:
        workspace.upgrade()
    assert caught.value.where == "sql/course/001_step.sql"
    assert caught.value.state == "rolled back; course is at base"
    assert workspace.tables() == []
