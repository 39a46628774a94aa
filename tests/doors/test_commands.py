"""Each command through both doors, on equal databases: they leave and say the same."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.histories import (
    THREE,
    Given,
    back_at_base,
    changed,
    disagreeing,
    empty_down,
    existing,
    gap,
    irreversible,
    odd_revision,
    outside,
    outside_applied,
    tables,
    without,
)
from tests.support.twins import Twins

pytestmark = pytest.mark.database


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command in the words of each door, and what comes of it."""

    given: Given
    commands: tuple[str, str]
    """Alembic's, and the script's."""
    code: int = 0
    allowed: tuple[str, ...] = ()
    """The differences that are seen; see `twins.ALLOWED`."""
    says: str = ""
    """What both say, among other things."""
    versions: list[str]
    """Those that the ledger has afterwards."""


ALL = list(THREE)
NEW, AT_2, AT_3 = tables(*THREE), tables(*THREE, up_to="002"), tables(*THREE, up_to="head")
PREVIEW, UNLOGGED = ("preview",), ("unlogged",)
ONE_BACK = ("downgrade -1", "rollback --yes")
UP = ("upgrade head", "migrate")
CASES = {
    "up to head": Case(given=NEW, commands=UP, versions=ALL, says="applied 003_step.sql"),
    "up to a version": Case(
        given=NEW, commands=("upgrade 002", "migrate --to 2"), versions=["001", "002"]
    ),
    "up by two": Case(
        given=NEW, commands=("upgrade +2", "migrate --to 2"), versions=["001", "002"]
    ),
    "up by one more": Case(given=AT_2, commands=("upgrade +1", "migrate --to 3"), versions=ALL),
    "up by one file": Case(
        given=NEW,
        commands=("upgrade +1", "migrate --file sql/course/001_step.sql"),
        versions=["001"],
    ),
    "down by one": Case(
        given=AT_3,
        commands=ONE_BACK,
        allowed=PREVIEW,
        versions=["001", "002"],
        says="destroys table t_003",
    ),
    "down by two": Case(
        given=AT_3,
        commands=("downgrade -2", "rollback --yes --steps 2"),
        allowed=PREVIEW,
        versions=["001"],
    ),
    "down to a version": Case(
        given=AT_3,
        commands=("downgrade 001", "rollback --yes --to 1"),
        allowed=PREVIEW,
        versions=["001"],
    ),
    "down to base": Case(
        given=AT_3,
        commands=("downgrade base", "rollback --yes --to base"),
        allowed=PREVIEW,
        versions=[],
    ),
    "up, and nothing to do": Case(given=AT_3, commands=UP, allowed=("idle",), versions=ALL),
    "up to a version, and nothing to do": Case(
        given=AT_2,
        commands=("upgrade 002", "migrate --to 2"),
        allowed=("idle",),
        versions=["001", "002"],
    ),
    "down, and nothing to do": Case(
        given=AT_3,
        commands=("downgrade 003", "rollback --yes --to 3"),
        allowed=("idle",),
        versions=ALL,
    ),
    "down to base, and nothing to do": Case(
        given=back_at_base,
        commands=("downgrade base", "rollback --yes --to base"),
        allowed=("idle",),
        versions=[],
    ),
    "down to a version that is not applied": Case(
        given=AT_2,
        commands=("downgrade 003", "rollback --yes --to 3"),
        code=2,
        allowed=("own words",),
        versions=["001", "002"],
    ),
    "down by more than there are": Case(
        given=AT_2,
        commands=("downgrade -5", "rollback --yes --steps 5"),
        code=2,
        allowed=("own words",),
        versions=["001", "002"],
    ),
    "up to a version that is not there": Case(
        given=AT_2,
        commands=("upgrade 007", "migrate --to 007"),
        code=2,
        allowed=("own words",),
        versions=["001", "002"],
    ),
    "up, ahead of the checkout": Case(
        given=without("003"), commands=UP, allowed=("idle", "ahead"), versions=ALL
    ),
    "down, ahead of the checkout": Case(
        given=without("002", "003"),
        commands=("downgrade 001", "rollback --yes --to 1"),
        allowed=PREVIEW,
        versions=["001"],
        says="rolled back 002_step.sql",
    ),
    "down, a file in the middle is missing": Case(
        given=without("002"),
        commands=("downgrade 001", "rollback --yes --to 1"),
        code=1,
        allowed=("preview", "destroys"),
        versions=ALL,
    ),
    "up, a file in the middle is missing": Case(
        given=without("002", more="004"), commands=UP, code=1, versions=ALL
    ),
    "up, outside a transaction": Case(given=outside, commands=UP, versions=["001", "002"]),
    "down, outside a transaction": Case(
        given=outside_applied, commands=ONE_BACK, allowed=PREVIEW, versions=["001"]
    ),
    "down with nothing in DOWN": Case(
        given=empty_down, commands=ONE_BACK, allowed=PREVIEW, versions=[], says="empty DOWN"
    ),
    "down would drop what was there before": Case(
        given=existing, commands=ONE_BACK, code=1, allowed=UNLOGGED, versions=["001"], says="t_001"
    ),
    "down is irreversible": Case(
        given=irreversible,
        commands=ONE_BACK,
        code=1,
        allowed=UNLOGGED,
        versions=["001", "002"],
        says="rows are merged",
    ),
    "up, a file was changed after it was applied": Case(
        given=changed,
        commands=UP,
        code=1,
        allowed=UNLOGGED,
        versions=["001", "002"],
        says="002_step.sql",
    ),
    "down, a file was changed after it was applied": Case(
        given=changed, commands=ONE_BACK, allowed=PREVIEW, versions=["001"]
    ),
    "up, a revision file is not what the template makes": Case(
        given=odd_revision, commands=UP, code=1, versions=["001"], says="003_step.py"
    ),
    "down, a revision file is not what the template makes": Case(
        given=odd_revision,
        commands=ONE_BACK,
        code=1,
        allowed=("preview", "destroys"),
        versions=["001"],
        says="003_step.py",
    ),
    "up, ledger and Alembic disagree": Case(
        given=disagreeing,
        commands=UP,
        code=1,
        allowed=UNLOGGED,
        versions=["001", "002"],
        says="disagree",
    ),
    "down, ledger and Alembic disagree": Case(
        given=disagreeing,
        commands=ONE_BACK,
        code=1,
        allowed=UNLOGGED,
        versions=["001", "002"],
        says="disagree",
    ),
    "up, a gap below": Case(
        given=gap,
        commands=UP,
        code=1,
        allowed=UNLOGGED,
        versions=["001", "003"],
        says="002_step.sql",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_both_doors_leave_and_say_the_same(twins: Twins, case: Case) -> None:
    twins.both(case.given)
    ended = twins.run(*case.commands)
    alembic, scripts = twins.words(ended, case.allowed)
    assert alembic == scripts
    assert [one.returncode for one in ended] == [case.code, case.code]
    assert all(case.says in one.stdout + one.stderr for one in ended)
    alembic, scripts = twins.left(case.allowed)
    assert alembic == scripts
    assert twins.alembic.versions() == case.versions
