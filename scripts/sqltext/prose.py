"""Prose in a DOWN that is commented out as a whole, where each line is taken for SQL.

A rollback would find it, on the night when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from scripts.errors import FormatError
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

_REASON = "DOWN is commented out as a whole, so each line is read as SQL"
WAY_OUT = f"{_REASON}; begin prose with `-- --`"
# Few sentences begin so, and none in capitals: what does not has to be parsed.
_SQL = re.compile(
    r"(?:DROP|ALTER|CREATE)\s+(?:AGGREGATE|COLLATION|DOMAIN|EVENT|EXTENSION|FOREIGN|FUNCTION|INDEX"
    r"|MATERIALIZED|OR\s+REPLACE|POLICY|PROCEDURE|PUBLICATION|ROLE|ROUTINE|RULE|SCHEMA|SEQUENCE"
    r"|SERVER|STATISTICS|TABLE|TRIGGER|TYPE|UNIQUE|UNLOGGED|VIEW)\s"
    r"|DELETE\s+FROM\s|INSERT\s+INTO\s|TRUNCATE\s+TABLE\s|COMMENT\s+ON\s"
)
# Only words, with no semicolon.
_SENTENCE = re.compile(r"[A-Z][a-z]+(\s+\w+)*\s*[.!]?\s*")


def check(statements: Iterable[Statement]) -> None:
    """Refuse what is no SQL among the statements of such a DOWN.

    A statement that begins like SQL is not parsed: the grammar takes its time to be imported. The
    grammar is that of one version of PostgreSQL; what only another one knows can be written into a
    DOWN that is not commented out, which nobody but the server reads.

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
    """Tell a sentence that the grammar takes, such as `Notify everyone` or `Execute manually`.

    Nobody writes a command of nothing but words as a sentence begins, and without its semicolon.
    """
    text = _without_comments(statement.text)[statement.body :]
    return bool(_SENTENCE.fullmatch(text)) and not begins_like_sql(statement)


def refusal(statement: Statement, at: int) -> FormatError:
    """Return the error that names a place in a statement's text which is no SQL."""
    start = statement.text.rfind("\n", 0, at) + 1
    line = statement.text[start:].partition("\n")[0].strip()
    return FormatError(
        f"{_REASON}, and this is none: {line[:120]}",
        line=statement.line_at(at),
        way_out="begin prose with `-- --`; SQL that only a newer PostgreSQL knows can stand in a "
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
        postgast.parse(_without_comments(statement.text))
    except postgast.PgQueryError as error:
        raise refusal(statement, place(statement, error.cursorpos)) from error
    if by_chance(statement):
        raise refusal(statement, statement.body)


def _without_comments(text: str) -> str:
    """Return a text with blanks in place of comments: every character stays where it is.

    libpg_query takes a minute for 200 KB of `/*`.
    """
    found, end = [], 0
    for token in lexer.tokens(text):
        if token.kind in (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT):
            found += [text[end : token.start], re.sub(r"\S", " ", text[token.start : token.end])]
            end = token.end
    return "".join([*found, text[end:]])
