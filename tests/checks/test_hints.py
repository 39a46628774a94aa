"""What validate tells people to do about names and chains is all that there is to do."""

from __future__ import annotations

from pathlib import Path

from scripts.checks.finding import Finding
from tests.support.chains import ONE, TWO, in_frame, revision
from tests.support.frame import FRAME
from tests.support.projects import NONE, findings


def only(found: list[Finding], code: str) -> Finding:
    [finding] = [one for one in found if one.code == code]
    return finding


def test_the_revision_file_that_is_shown_is_the_one_that_is_missing(root: Path) -> None:
    finding = only(in_frame(root, {**ONE, "007_add_coupons.py": NONE}), "missing-revision")
    first, _, text = finding.hint.partition(":\n")
    assert first.endswith("course/versions/007_add_coupons.py")
    (root / "course/versions/007_add_coupons.py").write_text(f"{text}\n")
    assert findings(root) == []


def test_a_gap_is_closed_by_what_is_said(root: Path) -> None:
    header = "-- Migration: 008_add_reviews.sql\n"
    finding = only(
        in_frame(root, {"008_add_reviews.sql": header + TWO["008_add_reviews.sql"]}), "number-gap"
    )
    assert finding.hint == (
        "if 008 is not released, renumber it to 007: rename both of its files, then set "
        "`revision` and `down_revision` in the revision file, and '-- Migration:' in the SQL file"
    )
    sql, python = root / "sql/course/007_add_reviews.sql", root / "course/versions"
    (root / "sql/course/008_add_reviews.sql").rename(sql)
    (python / "008_add_reviews.py").rename(python / "007_add_reviews.py")
    sql.write_text(sql.read_text().replace("008_add", "007_add"))
    (python / "007_add_reviews.py").write_text(revision("007", "006"))
    assert findings(root) == []


def test_the_second_head_is_told_what_it_comes_after(root: Path) -> None:
    files = {**TWO, "008_add_reviews.py": revision("008", "006")}
    finding = only(in_frame(root, files), "several-heads")
    assert (
        finding.hint == 'each revision follows the next lower number: write down_revision = "007"'
    )
    first = only(
        in_frame(
            root / "two",
            {**FRAME, "002_create_coupons.py": revision("002", "001").replace('"001"', "None")},
        ),
        "several-heads",
    )
    assert first.hint.endswith('down_revision = "001"')
