"""Which tests begin first."""

from __future__ import annotations

import pytest

from tests.support import order
from tests.support.workspace import REPOSITORY


def test_each_worker_begins_with_its_share_of_the_long_tests_and_the_rest_keeps_its_order() -> None:
    short = [("test_a.py", number) for number in range(14)]
    long = [(name, 0) for name in (*order.LONG, order.LONG[-1])]
    tests = [*short[:5], *reversed(long), *short[5:]]
    ordered = order.dealt(tests, lambda test: test[0], workers=4)
    parts = ordered[:5], ordered[5:10], ordered[10:15], ordered[15:]
    assert [part[0][0] for part in parts] == list(order.LONG[:4])
    assert [part[1][0] for part in parts[:2]] == [order.LONG[4]] * 2
    assert [test for test in ordered if test in short] == short
    assert sorted(ordered) == sorted(tests)


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_no_test_is_lost_where_there_are_few(count: int) -> None:
    tests = [(name, 0) for name in (*order.LONG, "test_a.py")][:count]
    assert sorted(order.dealt(tests, lambda test: test[0], workers=4)) == sorted(tests)


@pytest.mark.parametrize("name", order.LONG)
def test_the_long_modules_are_there(name: str) -> None:
    assert len(list((REPOSITORY / "tests").rglob(name))) == 1
