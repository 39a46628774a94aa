"""Several workers find what one finds, and say it once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.checks import validation
from scripts.checks.finding import Finding
from scripts.checks.shadow import suite
from scripts.checks.shadow.servers import Servers
from scripts.checks.static.suite import Scope
from scripts.embedded.server import Server
from scripts.engine import settings
from scripts.files import project
from tests.support.projects import lay_out

pytestmark = pytest.mark.database


class Proof(NamedTuple):
    """What a validation has said."""

    findings: list[Finding]
    proven: int
    said: list[str]
    told: list[tuple[str, int, int]]


@pytest.fixture(autouse=True)
def _short_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have few migrations be worth a worker."""
    monkeypatch.setattr(suite, "_WORTH", 2)
    monkeypatch.setattr(suite, "_IN_A_ROW", 2)


def prove(root: Path, postgres: Server, cores: int, scope: Scope | None = None) -> Proof:
    here = project.load(root / "alembic.ini")
    course = here.environment("course")
    (checked,) = validation.files([course], scope or Scope())
    said: list[str] = []
    told: list[tuple[str, int, int]] = []
    with Servers("", postgres.bin, cores) as servers:
        proven = suite.check(
            servers,
            settings.load(here, course, need_url=False),
            checked,
            said.append,
            lambda *progress: told.append(progress),
        )
    found = sorted(checked.findings, key=lambda one: (one.path, one.line, one.code))
    return Proof(found, proven, said, told)


def table(number: int, down: str = "") -> str:
    name = f"t{number}"
    return (
        f"-- UP\nCREATE TABLE IF NOT EXISTS {name} (id int);\n"
        f"-- DOWN\n{down or f'DROP TABLE IF EXISTS {name};'}\n"
    )


def history(**others: str) -> dict[str, str]:
    """Return twelve migrations, some of them others than a table and its DROP."""
    names = [f"{number:03}" for number in range(1, 13)]
    return {
        f"{name}_of.sql": others.get(f"of_{name}") or table(number)
        for number, name in enumerate(names, 1)
    }


ROLE = """-- UP
DO $$ BEGIN IF to_regrole('reader') IS NULL THEN CREATE ROLE reader; END IF; END $$;
GRANT SELECT ON t1 TO reader;
-- DOWN
REVOKE ALL ON t1 FROM reader;
"""
TWICE = """-- UP
DO $$ BEGIN IF to_regclass('once') IS NULL THEN CREATE TABLE once (id int);
ELSE CREATE TABLE IF NOT EXISTS twice (id int); END IF; END $$;
-- DOWN
DROP TABLE IF EXISTS once, twice;
"""


def test_three_find_what_one_finds(tmp_path: Path, postgres: Server) -> None:
    files = history(
        of_002=table(2, "SELECT 1;"),
        of_003=ROLE,
        of_006=TWICE,
        of_007=table(7, "DROP TABLE nobody;"),
        of_009="-- UP\nALTER TABLE t8 ADD COLUMN more int;\n-- DOWN\nSELECT 1;\n",
        of_012=table(12, "DROP TABLE IF EXISTS t11;"),
    )
    lay_out(tmp_path, files)
    one, three = (prove(tmp_path, postgres, cores) for cores in (1, 3))
    assert three.findings == one.findings
    assert {found.code for found in three.findings} >= {
        "shadow-down-differs",
        "shadow-down-fails",
        "shadow-up-changes-again",
        "shadow-up-not-repeatable",
    }
    assert (three.proven, three.said) == (one.proven, one.said) == (12, [])
    assert [done for _, done, _ in three.told] == list(range(13))


def test_an_up_that_fails_is_said_once(tmp_path: Path, postgres: Server) -> None:
    lay_out(tmp_path, history(of_005="-- UP\nSELECT 1 / 0;\n-- DOWN\nSELECT 1;\n"))
    three = prove(tmp_path, postgres, 3)
    fails = [one for one in three.findings if one.code == "shadow-up-fails"]
    assert [one.message for one in fails] == ["the UP fails: division by zero [22012]"]
    assert three.proven == 4
    assert three.said == ["course: 7 after 005_of.sql were not run"]


def test_what_another_worker_could_not_reach_is_said(tmp_path: Path, postgres: Server) -> None:
    rows = "-- UP\nINSERT INTO t1 VALUES (1);\n-- DOWN\nSELECT 1;\n"
    unique = (
        "-- UP\nCREATE UNIQUE INDEX IF NOT EXISTS u ON t1 (id);\n-- DOWN\nDROP INDEX IF EXISTS u;\n"
    )
    lay_out(tmp_path, history(of_004=rows, of_007=unique))
    # Its worker has run 004 three times, the others once.
    for cores in (1, 3):
        proof = prove(tmp_path, postgres, cores)
        fails = [one.path for one in proof.findings if one.code == "shadow-up-fails"]
        assert [Path(path).name for path in fails] == ["007_of.sql"]
        (said,) = proof.said
        assert said.endswith("after 007_of.sql were not run")


def test_an_earlier_up_that_fails_is_said_once(tmp_path: Path, postgres: Server) -> None:
    lay_out(tmp_path, history(of_001="-- UP\nSELECT 1 / 0;\n-- DOWN\nSELECT 1;\n"))
    three = prove(tmp_path, postgres, 3, Scope(since="002"))
    fails = [one.message for one in three.findings if one.code == "shadow-up-fails"]
    assert len(fails) == 1
    assert fails[0].startswith("the UP fails, so that nothing after it was proven")
    assert three.proven == 0


def test_a_worker_that_is_lost_ends_all(
    tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path, history())
    start, started = Servers.of, []

    def of(servers: Servers, worker: int) -> object:
        started.append(worker)
        if worker == 1:
            raise RuntimeError("no second server")
        return start(servers, worker)

    monkeypatch.setattr(Servers, "of", of)
    with pytest.raises(RuntimeError, match="no second server"):
        prove(tmp_path, postgres, 2)
    assert sorted(started) == [0, 1]
