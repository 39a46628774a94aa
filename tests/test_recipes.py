"""The recipes of docs/writing-migrations.md run on tables with rows, both ways, and are proven."""

from __future__ import annotations

import re

import pytest

from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
PAGE = (REPOSITORY / "docs" / "writing-migrations.md").read_text().partition("## Recipes")[2]
FILE = re.compile(r"```sql\n(-- Migration: (\d+)_(\w+)\.sql\n.*?)```", re.DOTALL)
BASE, *SECTIONS = PAGE.split("\n### ")
RECIPES = {section.partition("\n")[0]: FILE.findall(section) for section in SECTIONS}
ROWS = (
    "INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, 300) n",
    "INSERT INTO orders (user_id, total, city, street)"
    " SELECT 1 + n % 300, n, CASE WHEN n % 3 > 0 THEN 'Graz' END, 'Ring ' || n"
    " FROM generate_series(1, 12000) n",
)


def write(workspace: Workspace, text: str, version: str, slug: str) -> None:
    """Write a file as it stands on the page."""
    path = workspace.add(version, "", slug=slug)
    path.write_text(text)


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """The tables that the recipes begin with, with rows."""
    [(text, version, slug)] = FILE.findall(BASE)
    write(workspace, text, version, slug)
    workspace.upgrade()
    for statement in ROWS:
        workspace.query(statement)
    return workspace


def test_there_are_recipes_for_the_commonest_changes() -> None:
    assert len(RECIPES) >= 8
    assert all(RECIPES.values())


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_goes_up_and_down_and_up_again_with_rows(shop: Workspace, recipe: str) -> None:
    def content() -> list[tuple[object, ...]]:
        return shop.query("SELECT count(*), sum(total), count(street) FROM orders")

    def schema() -> str:
        return re.sub(r"(?ms)^COPY .*?^\\\.$", "", shop.dump())

    before, made = content(), schema()
    files = RECIPES[recipe]
    for text, version, slug in files:
        write(shop, text, version, slug)
    applied = shop.run("migrate", "--database", "course")
    assert applied.returncode == 0, applied.stderr
    irreversible = any("-- Irreversible: " in text for text, *_ in files)
    back = shop.run("rollback", "--database", "course", "--to", "001", "--yes")
    if irreversible:
        assert "is declared irreversible" in back.stderr
        return
    assert back.returncode == 0, back.stderr
    assert schema() == made
    assert content() == before
    again = shop.run("migrate", "--database", "course")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_is_proven_and_nothing_is_found(shop: Workspace, recipe: str) -> None:
    for text, version, slug in RECIPES[recipe]:
        write(shop, text, version, slug)
    done = shop.run("validate", "--database", "course", "--shadow", "--strict")
    assert done.returncode == 0, done.stdout
