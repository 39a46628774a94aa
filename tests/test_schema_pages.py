"""The pages of both schemas are what the migrations make now."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.catalog.record import Record
from scripts.catalog.snapshot import Snapshot
from tests.support.servers import required
from tests.tools import schema_docs, schema_groups
from tests.tools.schema_catalog import Schema

pytestmark = pytest.mark.database
SITE = schema_docs.FOLDER / "index.html"
PAGES = sorted(schema_docs.FOLDER.glob("*.md"))


def test_the_pages_are_what_the_migrations_make() -> None:
    for path, text in schema_docs.pages():
        assert path.read_text() == text, f"{path.name} is stale: make docs"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.stem))
def test_links_lead_to_a_heading_and_diagrams_to_a_table(path: Path) -> None:
    text = path.read_text()
    headings = [one.strip('"').lower() for one in re.findall(r"(?m)^###? (.+)$", text)]
    assert len(set(headings)) == len(headings)
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(headings)
    diagrams = re.findall(r"(?s)```mermaid\n(.+?)```", text)
    for diagram in diagrams:
        drawn = set(re.findall(r"(?m)^    (\w+)(?: \{)?$", diagram))
        related = re.findall(r"(?m)^    (\w+) \|\|--o\{ (\w+) :", diagram)
        assert {name for pair in related for name in pair} <= drawn
        assert 2 <= len(drawn) <= 12
    assert len(diagrams) >= 3


def test_a_table_in_no_group_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = Record("table", "public.new", "", ())
    schema = Schema(Snapshot({new.key: new}, 180000), {})
    listed = tmp_path / "groups.toml"
    listed.write_text('[course]\n"All" = ["old"]\n')
    monkeypatch.setattr(schema_groups, "GROUPS", listed)
    with pytest.raises(ValueError, match=r"of course differ in \['new', 'old'\]"):
        schema_groups.groups("course", schema)
    listed.write_text('[course]\n"All" = ["new"]\n"Again" = ["new"]\n')
    with pytest.raises(ValueError, match=r"of course differ in \['new'\]"):
        schema_groups.groups("course", schema)


def shown(query: str = "") -> tuple[str, str]:
    """Open the page in a browser; return its DOM once the script has run, and what it logged."""
    browser = shutil.which("chromium")
    required("chromium", found=browser is not None)
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr")
    done = subprocess.run(
        [str(browser), *options, "--dump-dom", f"{SITE.as_uri()}{query}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, "\n".join(one for one in done.stderr.splitlines() if "CONSOLE" in one)


def visible(dom: str) -> set[str]:
    tags = re.findall(r"<section ([^>]*)>", dom)
    return {re.findall(r'id="([^"]+)"', one)[0] for one in tags if not one.endswith('hidden=""')}


def test_a_browser_opens_the_page_and_has_nothing_to_complain_of() -> None:
    dom, said = shown()
    assert said == ""
    assert {"auth.user", "auth.session", "course.courses", "course.lessons"} <= visible(dom)
    assert f"{len(visible(dom))} of {len(visible(dom))}</p>" in dom
    # Nothing comes from elsewhere.
    assert re.findall(r"(?:src|href)=\"(?!#)", dom) == []


def test_a_search_narrows_the_list() -> None:
    dom, _ = shown("?q=impersonat")
    assert visible(dom) == {"auth.session"}
    assert "1 of " in dom
    # Other groups are hidden, and the other database.
    assert re.findall(r"<h3>([A-Z].*?)</h3>", dom) == ["Accounts"]
    assert re.findall(r"<h2>(auth|course)</h2>", dom) == ["auth"]
    dom, _ = shown("?q=section+position")
    assert visible(dom) == {"course.sections", "course.lessons"}


def test_every_link_leads_to_its_table() -> None:
    dom, _ = shown()
    targets = set(re.findall(r'href="#([^"]+)"', dom))
    assert "auth.user" in targets
    assert targets == visible(dom)
