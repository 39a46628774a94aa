"""Prose in a DOWN that is commented out as a whole, where each line is read as SQL.

Otherwise only a rollback would fail on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from scripts.errors import FormatError
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

_REASON = "the whole DOWN is commented out, so each line is read as SQL"
WAY_OUT = f"{_REASON}; start prose with `-- --`"
# Few sentences begin so, and none in capitals; what begins otherwise is parsed.
_SQL = re.compile(
    r"(?:DROP|ALTER|CREATE)\s+(?:AGGREGATE|COLLATION|DOMAIN|EVENT|EXTENSION|FOREIGN|FUNCTION|INDEX"
    r"|MATERIALIZED|OR\s+REPLACE|POLICY|PROCEDURE|PUBLICATION|ROLE|ROUTINE|RULE|SCHEMA|SEQUENCE"
    r"|SERVER|STATISTICS|TABLE|TRIGGER|TYPE|UNIQUE|UNLOGGED|VIEW)\s"
    r"|DELETE\s+FROM\s|INSERT\s+INTO\s|TRUNCATE\s+TABLE\s|COMMENT\s+ON\s"
)
# Only words, with no semicolon.
_SENTENCE = re.compile(r"[A-Z][a-z]+(\s+\w+)*\s*[.!]?\s*")


def check(statements: Iterable[Statement]) -> None:
    """Refuse what is not SQL among the statements of such a DOWN.

    A statement that begins like SQL is not parsed: the grammar is slow to import, and is that of
    one version of PostgreSQL. What only another version knows can be written into a DOWN that is
    not commented out, which only the server reads.

    Raises:
        FormatError: with the line that shows it; the file is not named.
    """
    for statement in statements:
        if not begins_like_sql(statement):
            _check(statement)


def begins_like_sql(statement: Statement) -> bool:
    """Tell whether a statement's first words, in capitals, are those of a common command."""
    return bool(_SQL.match(statement.text, statement.body))


def by_chance(statement: Statement) -> bool:
    """Recognise a sentence that is SQL by chance, such as `Notify everyone` or `Execute manually`.

    Nobody writes a command as words only, with a capital first letter and without a semicolon.
    """
    text = without_comments(statement.text)[statement.body :]
    return bool(_SENTENCE.fullmatch(text)) and not begins_like_sql(statement)


def refusal(statement: Statement, at: int) -> FormatError:
    """Return the error that names a place in a statement's text that is not SQL."""
    start = statement.text.rfind("\n", 0, at) + 1
    line = statement.text[start:].partition("\n")[0].strip()
    return FormatError(
        f"{_REASON}, but this is not SQL: {line[:120]}",
        line=statement.line_at(at),
        hint="start prose with `-- --`; SQL that only a newer PostgreSQL knows must be in a "
        "DOWN that is not commented out",
    )


def place(statement: Statement, cursor: int) -> int:
    """Return where in a statement's text the grammar stopped.

    Args:
        statement: what was parsed.
        cursor: what the parser gives: 1 is the first character, 0 is the end.
    """
    text = statement.text
    return max(cursor - 1, statement.body) if cursor else len(text.rstrip())


def _check(statement: Statement) -> None:
    # Needed by few files, and it takes longer to import than most runs take to read all of them.
    import postgast

    try:
        postgast.parse(without_comments(statement.text))
    except postgast.PgQueryError as error:
        raise refusal(statement, place(statement, error.cursorpos)) from error
    if by_chance(statement):
        raise refusal(statement, statement.body)


def without_comments(text: str) -> str:
    """Return a text with blanks in place of comments: every character stays where it is.

    libpg_query takes a minute for 200 KB of `/*`.
    """
    found, end = [], 0
    for token in lexer.tokens(text):
        if token.kind in (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT):
            found += [text[end : token.start], re.sub(r"\S", " ", text[token.start : token.end])]
            end = token.end
    return "".join([*found, text[end:]])
