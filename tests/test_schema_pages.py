"""The pages of both schemas are what the migrations make now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools import schema_pages

pytestmark = pytest.mark.database
PAGES = sorted(schema_pages.FOLDER.glob("*.md"))


def test_the_pages_are_what_the_migrations_make() -> None:
    for path, text in schema_pages.pages():
        assert path.read_text() == text, f"{path.name} is stale: make docs"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.stem))
def test_links_lead_to_a_heading_and_diagrams_to_a_table(path: Path) -> None:
    text = path.read_text()
    headings = {one.strip('"').lower() for one in re.findall(r"(?m)^## (.+)$", text)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
    drawn = set(re.findall(r"(?m)^    (\w+) \{", text))
    related = re.findall(r"(?m)^    (\w+) \|\|--o\{ (\w+) :", text)
    assert {name for pair in related for name in pair} <= drawn
    assert len(drawn) >= 8
