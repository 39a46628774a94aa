"""The ledger's table: its name, its place, and tables that are not quite one."""

from __future__ import annotations

import pytest

from scripts.errors import LedgerError
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


@pytest.mark.parametrize(
    ("setting", "schema", "table"),
    [
        pytest.param("audit", "public", "audit", id="plain"),
        pytest.param("ops.schema_migrations", "ops", "schema_migrations", id="schema"),
        pytest.param("Ops.Ledger", "Ops", "Ledger", id="capitals"),
        pytest.param('"my ops"."a.b"', "my ops", "a.b", id="quoted"),
        pytest.param('"""; DROP TABLE x; --"', "public", '"; DROP TABLE x; --', id="hostile"),
    ],
)
def test_the_ledger_lies_where_the_setting_says_and_alembics_table_beside_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, setting: str, schema: str, table: str
) -> None:
    monkeypatch.setenv("MIGRATION_TABLE", setting)
    workspace.add_tables("001", "002")
    workspace.upgrade()
    workspace.downgrade("001")
    found = workspace.query(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
    )
    ours = {(schema, name) for name in (table, f"{table}_events", "alembic_version")}
    assert set(found) == {*ours, ("public", "t_001")}
    assert workspace.state().current == "001"


def test_a_ledger_without_the_newer_columns_gets_them(workspace: Workspace) -> None:
    workspace.add_tables("001", "002")
    workspace.upgrade("001")
    workspace.query(
        "ALTER TABLE schema_migrations DROP COLUMN description, DROP COLUMN applied_by,"
        " DROP COLUMN duration_ms, DROP COLUMN rollback_checksum"
    )
    assert workspace.state().applied[0].row.description == ""
    workspace.upgrade()
    assert workspace.query(
        "SELECT version, description, applied_by FROM schema_migrations ORDER BY 1"
    ) == [("001", "", "migrator"), ("002", "step", "migrator")]


def test_a_table_of_that_name_that_is_no_ledger_is_left_alone(workspace: Workspace) -> None:
    workspace.query("CREATE TABLE schema_migrations (version bigint)")
    workspace.add_tables("001")
    with pytest.raises(LedgerError, match="is not a ledger: it lacks filename") as caught:
        workspace.upgrade()
    assert "it has: version" in caught.value.detail
    assert workspace.tables() == []
