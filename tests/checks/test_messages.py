"""What a finding says: the reason, in SQL's own words, and a hint that is to the point."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks import git
from scripts.checks.finding import Finding
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from scripts.errors import UsageError
from tests.support import chains
from tests.support.chains import RELEASED, SQL, Branched, branch
from tests.support.projects import findings, lay_out


def only(root: Path, code: str, up: str, down: str = "SELECT 1;") -> Finding:
    lay_out(root, {"001_a.sql": f"-- UP\n{up}\n\n-- DOWN\n{down}\n"})
    [finding] = findings(root, wanted=Wanted(select=[code]))
    return finding


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE t (id int);", "`CREATE TABLE t` fails if t exists"),
        ("CREATE INDEX i ON s.t (a);", "`CREATE INDEX s.i ON s.t` fails if s.i exists"),
        ("ALTER TABLE t ADD COLUMN a int;", "`ADD COLUMN a` fails if t.a exists"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);", "`ADD CONSTRAINT c` fails if c exists"),
        ("ALTER TYPE m ADD VALUE 'x';", "`ALTER TYPE m ADD VALUE 'x'` fails if x exists"),
        ("DROP TRIGGER g ON t;", "`DROP TRIGGER g ON t` fails if g does not exist"),
        ("ALTER TABLE t DROP COLUMN a;", "`DROP COLUMN a` fails if t.a does not exist"),
        (
            "ALTER TABLE courses RENAME COLUMN title TO name;",
            "`RENAME COLUMN title TO name` fails when run again",
        ),
        ("ALTER TABLE t RENAME TO u;", "`ALTER TABLE t RENAME TO u` fails when run again"),
        (
            "ALTER TRIGGER g ON t RENAME TO h;",
            "`ALTER TRIGGER g ON t RENAME TO h` fails when run again",
        ),
        ("ALTER TYPE m RENAME TO n;", "`ALTER TYPE m RENAME TO n` fails when run again"),
        (
            "ALTER TYPE m RENAME VALUE 'a' TO 'b';",
            "`RENAME VALUE 'a' TO 'b'` fails when run again",
        ),
        ("ALTER TABLE t ATTACH PARTITION p DEFAULT;", "`ATTACH PARTITION p` fails when run again"),
        ("ALTER TABLE t NO INHERIT p;", "`NO INHERIT p` fails when run again"),
        (
            "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY;",
            "`ALTER COLUMN a ADD GENERATED … AS IDENTITY` fails when run again",
        ),
        (
            "CREATE INDEX ON t (a);",
            "`CREATE INDEX ON t` without a name fails when run again, or adds a second index",
        ),
        (
            "INSERT INTO t VALUES (1);",
            "`INSERT INTO t` inserts the same rows again, or fails on a unique key",
        ),
    ],
)
@pytest.mark.parametrize("section", ["UP", "DOWN"])
def test_what_a_second_run_does_is_said_in_the_words_of_the_statement(
    root: Path, section: str, statement: str, reason: str
) -> None:
    sections = ("SELECT 1;", statement) if section == "DOWN" else (statement, "SELECT 1;")
    found = only(root, "not-repeatable", *sections)
    assert found.message == f"{section} is not idempotent: {reason}"


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("CREATE TABLE t (id int);", "add IF NOT EXISTS"),
        ("CREATE VIEW v AS SELECT 1;", "add OR REPLACE"),
        ("CREATE POLICY p ON t;", "write a DROP POLICY IF EXISTS before it"),
        (
            "ALTER TABLE t RENAME TO u;",
            "write a DO block that first checks whether it has been done",
        ),
    ],
)
def test_what_makes_a_statement_idempotent_is_said(root: Path, statement: str, hint: str) -> None:
    assert only(root, "not-repeatable", statement).hint == hint


@pytest.mark.parametrize(
    "up",
    [
        "CREATE TABLE a (id int)\nCREATE TABLE b (id int);",
        "CREATE VIEW v AS SELECT * FROM a -- all\n\n-- and then\nDROP TABLE b;",
        "SELECT 1\n  INSERT INTO a VALUES (1);",
    ],
)
def test_a_semicolon_that_is_missing_is_asked_for_at_the_end_of_its_line(
    root: Path, up: str
) -> None:
    assert only(root, "syntax", up).hint == "is a `;` missing at the end of line 2?"


@pytest.mark.parametrize(
    "up",
    [
        "CREATE TABLE a (id in);",
        "CREATE TABLE a (id int\nname text);",
        "CREATE VIEW v\nSELECT 1;",
        "CREAT TABLE a (id int);",
        "DROP TABLE a\n  CASCDE;",
    ],
)
def test_no_semicolon_is_asked_for_where_none_is_missing(root: Path, up: str) -> None:
    assert only(root, "syntax", up).hint == (
        "PostgreSQL 18 does not accept this; the mistake is here or just before"
    )


def behind(root: Path, base: dict[str, str]) -> str:
    branch(root, Branched(base=base, bad={"007_add_reviews.sql": SQL}, good={}, says=()), "bad")
    found = findings(root, Scope(base=git.base(root, "main")))
    return next(one.message for one in found if one.code == "number-behind-base")


def test_a_number_that_is_taken_names_the_file_that_has_it(root: Path) -> None:
    assert behind(root, {"007_add_coupons.sql": SQL}) == (
        "version 007 is already taken on main (007_add_coupons.sql)"
    )


def test_a_number_that_is_too_low_names_the_highest_file(root: Path) -> None:
    assert behind(root, {"008_add_coupons.sql": SQL}) == (
        "version 007 is below 008_add_coupons.sql, which is already on main"
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("released-changed", "this file is released on main, but its SQL was changed"),
        (
            "released-comments",
            "this file is released on main, but its comments or white space were changed",
        ),
        (
            "released-renamed",
            "006_add_triggers.sql is released on main, but was renamed to "
            "006_add_updated_at_triggers.sql",
        ),
        ("released-removed", "006_add_triggers.sql is released on main, but was removed"),
    ],
)
def test_what_was_done_to_a_released_file_is_said(root: Path, code: str, message: str) -> None:
    branch(root, RELEASED[code], "bad")
    found = findings(root, Scope(base=git.base(root, "main")))
    assert [one.message for one in found if one.code == code] == [message]


def test_several_missing_numbers_are_one_range(root: Path) -> None:
    lay_out(root, {"001_a.sql": SQL, "005_b.sql": SQL})
    [finding] = findings(root, wanted=Wanted(select=["number-gap"]))
    assert finding.message == "versions 002 to 004 are missing before 005"


def test_a_base_that_does_not_exist_is_named(root: Path) -> None:
    branch(root, RELEASED["released-changed"], "bad")
    with pytest.raises(UsageError) as caught:
        git.base(root, "nosuch")
    assert caught.value.what == "'nosuch' is not a branch, tag or commit"


def test_branches_without_a_common_commit_are_named(root: Path) -> None:
    branch(root, RELEASED["released-changed"], "bad")
    chains.git(root, "switch", "--quiet", "--orphan", "other")
    chains.git(root, "commit", "--quiet", "--allow-empty", "--message", "another beginning")
    with pytest.raises(UsageError, match="'main' and this branch have no commit in common"):
        git.base(root, "main")


def test_outside_a_repository_git_is_quoted(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        git.base(root, "main")
    assert caught.value.what.startswith("git: not a git repository")
