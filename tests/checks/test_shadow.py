"""Proof by running: a planted defect is found under its code, its look-alike gives nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.checks import rules, validation
from scripts.checks.finding import Finding
from scripts.checks.rules import Page
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from scripts.embedded.server import Server
from scripts.engine import settings
from scripts.files import project
from tests.support.frame import FRAME, files
from tests.support.projects import lay_out
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database
FOLDER = REPOSITORY / "tests/data/shadow"
BASE = {"001_base.sql": (FOLDER / "base.sql").read_text()}


class Case(NamedTuple):
    name: str
    codes: set[str]
    text: str


def cases() -> list[Case]:
    """Read the blocks of defects.txt."""
    found = []
    for block in (FOLDER / "defects.txt").read_text().split("\n\n")[1:]:
        head, _, body = block.strip().partition("\n")
        name, _, codes = head.partition(":")
        up, _, down = body.partition("\n--\n") if "\n--\n" in body else (body.rstrip("-\n"), "", "")
        header, lines = "", []
        for line in up.splitlines():
            if line.startswith("-- Irreversible"):
                header = f"{line}\n"
            else:
                lines.append(line)
        text = f"{header}-- UP\n" + "\n".join(lines) + f"\n-- DOWN\n{down}\n"
        found.append(Case(name, {f"shadow-{code}" for code in codes.split()}, text))
    return found


CASES = cases()


def prove(
    root: Path, postgres: Server, scope: Scope | None = None, *, alone: bool = False
) -> tuple[list[Finding], int]:
    """Return what the shadow finds in a project, and how many migrations it proved.

    What belongs to a server is only looked at if that is `alone`, nobody else's.
    """
    here = project.load(root / "alembic.ini")
    course = here.environment("course")
    checked = validation.files([course], scope or Scope())
    databases = [settings.load(here, course, need_url=False)]
    said: list[str] = []
    url = "" if alone else postgres.url("postgres")
    proven = validation.shadow(databases, checked, url, said.append, lambda *_: None)
    return validation.findings(checked, Wanted(), ["shadow"]), proven


def shadows(found: list[Finding]) -> set[str]:
    return {one.code for one in found if one.code.startswith("shadow-")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_migration_does_is_found_under_its_code(
    tmp_path: Path, postgres: Server, case: Case
) -> None:
    lay_out(tmp_path, {**BASE, "002_case.sql": case.text})
    found, _ = prove(tmp_path, postgres, alone="role" in case.name)
    assert shadows(found) == case.codes


def test_there_are_as_many_look_alikes_as_defects() -> None:
    clean = [case for case in CASES if case.name.startswith("clean")]
    assert len(clean) == len(CASES) - len(clean) >= 60
    assert not any(case.codes for case in clean)
    assert all(case.codes for case in CASES if case not in clean)


PAGES = [page for page in rules.every().values() if page.group == "shadow"]
OF_SERVER = "shadow-server-changed"
ABOVE_THE_FRAME = Scope(since=max(FRAME)[:3])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_a_bad_example_is_found(tmp_path: Path, postgres: Server, page: Page) -> None:
    lay_out(tmp_path, {**FRAME, **files(page.bad)})
    found, _ = prove(tmp_path, postgres, ABOVE_THE_FRAME, alone=page.code == OF_SERVER)
    assert page.code in shadows(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_nothing_is_found_in_a_good_example(tmp_path: Path, postgres: Server, page: Page) -> None:
    lay_out(tmp_path, {**FRAME, **files(page.good)})
    found, proven = prove(tmp_path, postgres, ABOVE_THE_FRAME, alone=page.code == OF_SERVER)
    assert (shadows(found), proven) == (set(), 1)


SPOILING = {
    "DOWN outside a transaction fails": (
        "-- Transaction: none\n-- UP\nCREATE TABLE IF NOT EXISTS a (id int);\n"
        "-- DOWN\nDROP TABLE a;\nDROP TABLE nobody;\n",
        {"shadow-down-fails"},
    ),
    "DOWN outside a transaction leaves something else": (
        "-- Transaction: none\n-- UP\nCREATE TABLE IF NOT EXISTS a (id int);\n"
        "-- DOWN\nALTER TABLE a RENAME TO b;\n",
        {"shadow-down-differs"},
    ),
    "UP fails after its DOWN": (
        "-- UP\nDO $$ BEGIN IF to_regclass('a') IS NULL AND EXISTS (SELECT FROM archive)"
        " THEN RAISE 'once only'; END IF; END $$;\n"
        "CREATE TABLE IF NOT EXISTS a (id int);\nINSERT INTO archive VALUES (1);\n"
        "-- DOWN\nDROP TABLE IF EXISTS a;\n",
        {"shadow-again-differs"},
    ),
}


@pytest.mark.parametrize("name", SPOILING)
def test_the_next_migration_starts_from_what_the_one_before_is_meant_to_leave(
    tmp_path: Path, postgres: Server, name: str
) -> None:
    text, codes = SPOILING[name]
    after = "-- UP\nALTER TABLE a ADD COLUMN IF NOT EXISTS b int;\n-- DOWN\n"
    after += "ALTER TABLE a DROP COLUMN IF EXISTS b;\n"
    lay_out(tmp_path, {**BASE, "002_spoils.sql": text, "003_after.sql": after})
    found, proven = prove(tmp_path, postgres)
    assert {one.code for one in found if "002" in one.path and "shadow" in one.code} == codes
    assert [one for one in found if "003" in one.path and "shadow" in one.code] == []
    assert proven == 3
