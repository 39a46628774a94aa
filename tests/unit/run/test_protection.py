"""What a script for psql refuses by itself: rollbacks that would drop what was there before."""

from __future__ import annotations

import pytest
from psycopg2.sql import Composable, Composed, Literal

from scripts.engine.ledger.table import Ledger
from scripts.engine.reported import Direction
from scripts.engine.safeguards import protection
from scripts.engine.settings import TableName
from scripts.engine.step import Step
from tests.support.states import step
from tests.support.texts import migration

LEDGER = Ledger(TableName("ops", "ledger"), exists=True)


def undo(text: str) -> Step:
    return step(migration(down=text), Direction.DOWN)


def words(part: Composable) -> list[str]:
    """Return the texts that are bound in a statement."""
    if isinstance(part, Composed):
        return [word for one in part.seq for word in words(one)]
    return [str(part.wrapped)] if isinstance(part, Literal) else []


@pytest.mark.parametrize(
    "text",
    ["DROP TABLE t;", "ALTER TABLE t DROP COLUMN c;", "DROP SCHEMA s;", "DROP TYPE y;"],
)
def test_a_rollback_that_drops_what_holds_data_is_guarded(text: str) -> None:
    guard = protection.guard(LEDGER, undo(text))
    assert guard is not None
    assert "rolling back 004 would drop objects that existed before it" in words(guard)
    assert "write the script with -x drop_existing=004 if you want that" in words(guard)
    assert "Identifier('ops', 'ledger')" in repr(guard)


@pytest.mark.parametrize(
    "text", ["SELECT 1;", "DROP VIEW v;", "DROP INDEX i;", "DROP FUNCTION f();", "DELETE FROM t;"]
)
def test_one_that_drops_what_can_be_made_again_is_not(text: str) -> None:
    assert protection.guard(LEDGER, undo(text)) is None
