"""Plain INSERTs go many to a message; what people see is as if each went alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing

import psycopg2
import pytest

from scripts.engine.execution.batches import Batches
from scripts.errors import StatementError
from scripts.sqltext.statements import Statement
from tests.support.servers import until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
CREATE = "CREATE TABLE a (id int PRIMARY KEY, t text);\n"


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements the batches had that ran."""
    seen: list[int] = []
    run = Batches.run

    def watched(batches: Batches, batch: Sequence[Statement]) -> bool:
        ran = run(batches, batch)
        if ran:
            seen.append(len(batch))
        return ran

    monkeypatch.setattr(Batches, "run", watched)
    return seen


def rows(numbers: Sequence[int]) -> str:
    return "".join(f"INSERT INTO a VALUES ({number}, 'row {number}');\n" for number in numbers)


def test_they_are_all_there_in_their_order(workspace: Workspace, sizes: list[int]) -> None:
    workspace.add("001", f"{CREATE}{rows(range(45))}UPDATE a SET t = 'x';\n{rows(range(45, 50))}")
    workspace.upgrade()
    assert sizes == [20, 20, 5, 5]
    assert workspace.query("SELECT count(*), max(id) FROM a") == [(50, 49)]
    assert [result.statements for result in workspace.recorder.results] == [52]


def test_one_that_fails_is_named_with_its_line(workspace: Workspace, sizes: list[int]) -> None:
    workspace.add("001", CREATE)
    workspace.add("002", rows([*range(30), 7, *range(30, 60)]))
    with pytest.raises(StatementError) as caught:
        workspace.upgrade()
    assert sizes == [20]
    assert caught.value.where == "sql/course/002_step.sql:35"
    assert caught.value.ran == 30
    assert "duplicate key value" in caught.value.what
    assert caught.value.state == "rolled back; course is at 001"
    assert workspace.query("SELECT count(*) FROM a") == [(0,)]


def test_where_rows_set_something_off_each_goes_alone(
    workspace: Workspace, sizes: list[int]
) -> None:
    workspace.query(
        f"{CREATE}CREATE TABLE seen (query text);"
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO seen VALUES (current_query()); RAISE NOTICE 'seen';"
        " RETURN NEW; END $$"
    )
    trigger = "CREATE TRIGGER see BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION see();\n"
    workspace.add("001", f"{rows(range(4))}{trigger}{rows(range(4, 8))}")
    workspace.upgrade()
    assert sizes == [4]
    assert workspace.query("SELECT count(DISTINCT query) FROM seen") == [(4,)]
    assert workspace.recorder.notices[0].startswith("sql/course/001_step.sql:10: NOTICE: ")


def test_a_view_with_a_rule_goes_alone_too(workspace: Workspace, sizes: list[int]) -> None:
    workspace.query("CREATE TABLE b (id int, t text); CREATE VIEW a AS TABLE b")
    workspace.add("001", rows(range(10)))
    workspace.upgrade()
    assert sizes == []
    assert workspace.query("SELECT count(*) FROM b") == [(10,)]


def test_a_lock_is_waited_for_and_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "100ms")
    workspace.query(CREATE)
    workspace.add("001", f"SELECT 1;\n{rows(range(40))}")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE a")
        run = threading.Thread(target=workspace.upgrade)
        run.start()
        until(lambda: any("attempt 2" in n for n in workspace.recorder.notices), "a second try")
        other.rollback()
        run.join(30)
    assert workspace.query("SELECT count(*) FROM a") == [(40,)]
    assert sizes == [20, 20]


def test_a_file_s_own_savepoints_stay_its_own(workspace: Workspace, sizes: list[int]) -> None:
    workspace.add(
        "001",
        f"{CREATE}SAVEPOINT mine;\n{rows(range(5))}ROLLBACK TO SAVEPOINT mine;\n"
        f"{rows(range(5, 9))}RELEASE SAVEPOINT mine;\n{rows(range(9, 12))}",
    )
    workspace.upgrade()
    assert sizes == [5, 4, 3]
    assert workspace.query("SELECT min(id), count(*) FROM a") == [(5, 7)]
