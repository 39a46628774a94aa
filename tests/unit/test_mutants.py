"""What `make mutants` tries: the same each time, and nothing twice."""

from __future__ import annotations

from pathlib import Path

from scripts.files import migration_file
from tests.tools import judge, mutations

MIGRATIONS = mutations.migrations()
MUTANTS = [mutant for one in MIGRATIONS for mutant in mutations.mutants(one)]


def test_there_are_enough_and_each_has_a_name_and_a_text_of_its_own() -> None:
    assert len(MUTANTS) >= 300
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    assert len({(one.migration.name, one.text) for one in MUTANTS}) == len(MUTANTS)
    assert {one.kind for one in MUTANTS} >= {"drop", "swap", "type", "name", "guard", "literal"}


def test_none_is_its_original() -> None:
    for one in MUTANTS:
        same = mutations.unchanged(one.migration)
        assert (one.up, one.down) != (same.up, same.down)


def test_they_are_the_same_each_time() -> None:
    again = [mutant for one in mutations.migrations() for mutant in mutations.mutants(one)]
    assert again == MUTANTS


def test_each_is_a_migration_file_still() -> None:
    for one in MUTANTS:
        read = migration_file.parse(Path(one.migration.filename), one.text)
        assert read.up.text.strip() == one.up.strip()
        assert read.down.text.strip() == one.down.strip()


def test_what_stands_below_a_migration_has_one_name() -> None:
    below = {(judge.template_of(one), *one.below) for one in MIGRATIONS}
    assert len({name for name, *_ in below}) == len(below)


def test_an_order_alone_is_no_difference() -> None:
    one = "--\n-- Name: a\n--\nCREATE TABLE a (\n    x int,\n    y int\n);\n"
    other = "--\n-- Name: a\n--\nCREATE TABLE a (\n    y int,\n    x int\n);\n"
    assert judge.compare(one, one) is None
    found = judge.compare(one, other)
    assert found is not None
    assert found.order_only
    changed = judge.compare(one, one.replace("y int", "y text"))
    assert changed is not None
    assert changed.lines == ("- y int", "+ y text")
