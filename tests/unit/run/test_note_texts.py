"""The statement that writes a step: one template for each form, none taken for another."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from scripts.engine.execution.executor import Note
from scripts.engine.execution.note_texts import NoteTexts
from scripts.engine.ledger.changes import Deletion
from scripts.engine.ledger.table import Ledger
from scripts.engine.settings import TableName

pytestmark = pytest.mark.database


@pytest.mark.parametrize("order", [1, -1])
def test_a_deletion_with_a_checksum_is_another_than_one_without(database: str, order: int) -> None:
    ledger = Ledger(TableName("s", "50%_t"), columns=frozenset({"rollback_checksum"}))
    with closing(psycopg2.connect(database)) as connection:
        texts = NoteTexts(connection, ledger)
        changes = [Deletion("001"), Deletion("002", "abc")][::order]
        written = [texts.text(Note(change=one, before="2", after="1"), None) for one in changes]
    bare, checked = written[::order]
    assert """DELETE FROM "s"."50%_t" WHERE version = '001' RETURNING 1""" in bare
    assert """WHERE version = '002' AND rollback_checksum = 'abc' RETURNING 1""" in checked
