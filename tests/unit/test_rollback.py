"""What the ledger stores for a rollback, and what is made of it, perhaps years later."""

from __future__ import annotations

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from scripts.errors import FormatError
from scripts.files import rollback
from scripts.files.header import Header
from tests.support.texts import migration, read


def stored(text: str) -> list[str]:
    """Return the statements that a stored rollback runs."""
    return [s.text.strip() for s in rollback.parse(text).down.statements]


DIRECTIVES = (
    "-- Author: x",
    "-- Transaction: none",
    "-- Lock-Timeout: 5s",
    "-- Statement-Timeout: 1.5min",
    "-- Irreversible: it's gone: all of it",
)
DOWN_LINES = (
    "DROP TABLE a;",
    "-- why",
    "-- -- why",
    "",
    "-- DROP TABLE b;",
    "/* c */",
    "-- -- Transaction: none",
    "-- -- Irreversible: for real",
    "-- Lock-Timeout: see the wiki",
    "SELECT 'C:\\', '\n-- UP\n';",
    "DO $$ BEGIN NULL; END $$;",
)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    st.lists(st.sampled_from(DIRECTIVES), unique=True),
    st.lists(st.sampled_from(DOWN_LINES), max_size=5),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_stored_rollback_runs_what_the_file_would(
    directives: list[str], down: list[str], end: str
) -> None:
    text = migration(down="\n".join(down), header="\n".join(directives)).replace("\n", end)
    file = read(text)
    back = rollback.parse(file.rollback_sql)

    assert [s.text[s.body :].rstrip() for s in back.down.statements] == [
        s.text[s.body :].rstrip() for s in file.down.statements
    ]
    assert back.header == Header(
        mode=file.header.mode,
        lock_timeout_ms=file.header.lock_timeout_ms,
        statement_timeout_ms=file.header.statement_timeout_ms,
        irreversible=file.header.irreversible,
    )


def test_the_directives_come_first_and_then_the_sql() -> None:
    file = read(migration(down="-- DROP TABLE a;", header="\n".join(DIRECTIVES)))

    assert file.rollback_sql == (
        "-- Transaction: none\n"
        "-- Lock-Timeout: 5000ms\n"
        "-- Statement-Timeout: 90000ms\n"
        "-- Irreversible: it's gone: all of it\n"
        "DROP TABLE a;\n"
    )


def test_an_irreversible_migration_keeps_its_reason_and_no_sql() -> None:
    file = read(migration(header="-- Irreversible: the passwords are gone"))
    back = rollback.parse(file.rollback_sql)

    assert file.rollback_sql == "-- Irreversible: the passwords are gone\n"
    assert back.header.irreversible == "the passwords are gone"
    assert back.down.statements == ()


@pytest.mark.parametrize(
    ("down", "comment"),
    [
        pytest.param("-- Lock-Timeout: see the wiki\nDROP TABLE a;", "see the wiki", id="plain"),
        pytest.param("-- -- Irreversible: loses data\n-- DROP TABLE a;", "loses", id="commented"),
        pytest.param("-- -- Transaction: none\n-- DROP TABLE a;", "none", id="transaction"),
    ],
)
@pytest.mark.parametrize("header", ["", "-- Lock-Timeout: 5s"])
def test_a_comment_like_a_directive_ahead_of_the_sql_stays_a_comment(
    down: str, comment: str, header: str
) -> None:
    file = read(migration(down=down, header=header))
    back = rollback.parse(file.rollback_sql)

    assert back.header == file.header
    assert comment in back.down.text
    assert stored(file.rollback_sql) == [file.down.statements[0].text.strip()]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        pytest.param("-- DROP TABLE a;\n-- DROP TABLE b;", ["DROP TABLE a;", "DROP TABLE b;"]),
        pytest.param("\r\n-- DROP TABLE a;\r\n", ["DROP TABLE a;"]),
        pytest.param("DROP TABLE a;", ["DROP TABLE a;"]),
        pytest.param("-- why\nDROP TABLE a", ["-- why\nDROP TABLE a"]),
        pytest.param("", []),
        pytest.param("\n", []),
    ],
    ids=["commented-out", "commented-out-crlf", "plain", "no-semicolon", "empty", "blank"],
)
def test_the_text_of_an_older_tool(text: str, statements: list[str]) -> None:
    assert stored(text) == statements
    assert rollback.parse(text).header == Header()


def test_lines_count_from_the_first_line_stored() -> None:
    back = rollback.parse("-- Transaction: none\n-- Lock-Timeout: 5ms\nSELECT 1;\n\nSELECT 2;\n")

    assert [s.line for s in back.down.statements] == [3, 5]


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        pytest.param("SELECT 1;\nSELECT 'a", "this quoted string is never closed", 2, id="string"),
        pytest.param("'a", "this quoted string is never closed", 1, id="string-first"),
        pytest.param("-- a\n/* b", "this block comment is never closed", 2, id="comment"),
        pytest.param("SELECT 1;\nCOMMIT;", "'COMMIT' is not allowed", 2, id="transaction"),
        pytest.param("-- \\i a.sql", "'\\i' is a command of psql", 1, id="psql"),
        pytest.param("-- Lock-Timeout: soon\nSELECT 1;", "Lock-Timeout: 'soon'", 1, id="timeout"),
    ],
)
def test_a_stored_text_that_can_t_be_run_is_refused(text: str, what: str, line: int) -> None:
    with pytest.raises(FormatError) as caught:
        rollback.parse(text)

    assert caught.value.what.startswith(what)
    assert caught.value.line == line


def test_a_rollback_that_was_stored_with_a_timeout_without_a_unit_is_still_read() -> None:
    back = rollback.parse("-- Lock-Timeout: 5\n-- Statement-Timeout: 250\nDROP TABLE a;\n")
    assert (back.header.lock_timeout_ms, back.header.statement_timeout_ms) == (5, 250)


class TestOneThatIsPlainlyTheFiles:
    """Most need not be split again to be known for the file's own."""

    @settings(max_examples=300, derandomize=True, database=None, deadline=None)
    @given(
        st.lists(st.sampled_from(DIRECTIVES[:3]), unique=True),
        st.lists(st.sampled_from(DOWN_LINES), max_size=4),
        st.lists(st.sampled_from(DOWN_LINES), max_size=4),
        st.booleans(),
    )
    def test_it_is_never_said_of_another(
        self, directives: list[str], down: list[str], other: list[str], commented: bool
    ) -> None:
        lines = [f"-- {line}" for line in down] if commented else down
        text = migration(down="\n".join(lines), header="\n".join(directives))
        try:
            own = read(text)
        except FormatError:
            reject()
        for stored_text in ("\n".join(other) + "\n", own.rollback_sql):
            try:
                undo = rollback.parse(stored_text)
            except FormatError:
                continue
            if rollback.is_plainly_of(text, stored_text, undo):
                assert stored_text == own.rollback_sql
                assert [s.sql for s in undo.down.statements] == [s.sql for s in own.down.statements]

    @pytest.mark.parametrize("down", ["DROP TABLE a;", "-- DROP TABLE a;\n-- DROP TABLE b;"])
    def test_it_is_said_of_the_usual_forms(self, down: str) -> None:
        text, kept = migration(down=down), read(migration(down=down)).rollback_sql
        assert rollback.is_plainly_of(text, kept, rollback.parse(kept))

    def test_it_is_not_said_of_comments_that_would_be_uncommented_once_more(self) -> None:
        text, kept = migration(down="-- -- DROP TABLE a;"), "-- DROP TABLE a;\n"
        assert read(text).rollback_sql == ""
        assert not rollback.is_plainly_of(text, kept, rollback.parse(kept))

    @pytest.mark.parametrize("up", ["SELECT '\n-- DOWN\n';", "SELECT $$\n-- DOWN: x\n$$;"])
    def test_it_is_not_said_where_another_line_looks_like_a_marker(self, up: str) -> None:
        text = migration(up, "DROP TABLE a;")
        kept = read(text).rollback_sql
        assert not rollback.is_plainly_of(text, kept, rollback.parse(kept))
