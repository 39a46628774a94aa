"""Nasty SQL and what it splits into: `NN_topic.sql` beside `NN_topic.sql.golden`.

A new case is two files and no code. What is right was compared with what psql 15 sends to a server.
The golden file has the statements' texts, each but the last followed by a line `-- end --`; the
line `-- unterminated … on line N --` says where the walk stopped at an open quote or comment.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.sqltext import lexer, statements

DATA = Path(__file__).parents[1] / "data" / "lexer"
CASES = sorted(DATA.glob("*.sql"))


def render(text: str) -> str:
    """Split a text as far as that goes, and lay it out as a golden file has it."""
    pieces: list[str] = []
    try:
        pieces.extend(statement.text for statement in statements.split(text))
    except lexer.UnterminatedError as error:
        line = text.count("\n", 0, error.start) + 1
        pieces.append(f"-- {error} on line {line} --")
    return "\n-- end --\n".join(pieces) + "\n"


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_sql_splits_where_psql_splits_it(path: Path) -> None:
    golden = path.with_name(f"{path.name}.golden").read_bytes().decode()

    assert render(path.read_bytes().decode()) == golden


def test_every_case_has_its_golden_file_and_the_other_way_round() -> None:
    goldens = {path.name.removesuffix(".golden") for path in DATA.glob("*.golden")}

    assert goldens == {path.name for path in CASES}
    assert len(CASES) >= 45


def test_line_ends_of_the_cases_are_as_they_were_written() -> None:
    assert all(b"\r\n" in path.read_bytes() for path in CASES if path.stem.endswith("_crlf"))
    assert all(b"\r" in path.read_bytes() for path in CASES if path.stem.endswith("_lone_cr"))
