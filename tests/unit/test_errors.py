"""How an error looks, and which exit code it has."""

from __future__ import annotations

import pytest

from scripts import errors
from scripts.errors import FormatError, LockError, MigrationError, StatementError, UsageError


def test_all_parts_are_laid_out_in_order() -> None:
    error = MigrationError(
        "course: 004_add_x.sql failed",
        where="sql/course/004_add_x.sql:12",
        detail="column does not exist\nstatement: SELECT y",
        state="rolled back; course is at 003",
        hint="mend it and run migrate.py",
    )

    assert str(error) == (
        "error:  course: 004_add_x.sql failed\n"
        "at:     sql/course/004_add_x.sql:12\n"
        "detail: column does not exist\n"
        "        statement: SELECT y\n"
        "state:  rolled back; course is at 003\n"
        "help:   mend it and run migrate.py"
    )


def test_parts_that_are_not_set_are_left_out() -> None:
    error = MigrationError("no", hint="yes")

    assert str(error) == "error:  no\nhelp:   yes"
    assert error.parts() == {"error": "no", "help": "yes"}


def test_an_empty_line_in_a_part_stays() -> None:
    assert str(MigrationError("a", detail="b\n\nc")) == "error:  a\ndetail: b\n        \n        c"


def test_a_format_error_learns_its_file_later() -> None:
    error = FormatError("bad", line=3, hint="mend it")
    named = error.in_file("sql/a.sql")

    assert str(error) == "error:  bad\nat:     line 3\nhelp:   mend it"
    assert str(named) == "error:  bad\nat:     sql/a.sql:3\nhelp:   mend it"
    assert (named.path, named.line) == ("sql/a.sql", 3)


def test_a_statement_error_names_file_and_line() -> None:
    assert StatementError("no", place="a.sql", line=1, detail="", ran=2).where == "a.sql:1"


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, MigrationError)
    ],
)
def test_exit_codes(kind: type[MigrationError]) -> None:
    assert kind.exit_code == {UsageError: 2, LockError: 4}.get(kind, 1)
    assert kind.__name__ in (errors.__doc__ or "")
