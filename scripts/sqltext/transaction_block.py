"""Statements that PostgreSQL refuses inside a transaction."""

from __future__ import annotations

import re

from scripts.errors import FormatError
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

# The commands whose pages in the manual say "cannot be executed inside a transaction block";
# https://www.postgresql.org/docs/current/sql-commands.html. REFRESH MATERIALIZED VIEW CONCURRENTLY
# is none of them.
_OUTSIDE = re.compile(
    r"VACUUM\b|ALTER SYSTEM\b|DISCARD ALL\b|(CREATE|DROP) (DATABASE|TABLESPACE)\b"
    r"|ALTER DATABASE\b.* SET TABLESPACE\b|CLUSTER( VERBOSE)?$"
    r"|(CREATE|DROP) SUBSCRIPTION\b|ALTER SUBSCRIPTION\b.* (REFRESH|(SET|ADD|DROP) PUBLICATION)\b"
    r"|CREATE (UNIQUE )?INDEX CONCURRENTLY\b|DROP INDEX CONCURRENTLY\b"
    r"|REINDEX( VERBOSE| TABLESPACE \S+| TRUE| FALSE)* (DATABASE|SYSTEM|SCHEMA)\b"
    r"|REINDEX\b.* CONCURRENTLY\b"
    r"|ALTER TABLE\b.* DETACH PARTITION\b.* CONCURRENTLY\b"
)
# A text without any of these words is none of them: most need not be looked at word by word.
_LIKELY = re.compile(
    r"vacuum|system|discard|database|tablespace|cluster|subscription|schema|concurrently",
    re.IGNORECASE,
)


def refuses(statement: Statement) -> bool:
    """Tell whether PostgreSQL runs a statement outside a transaction only.

    What depends on the database and not on the text, such as REINDEX of a partitioned table, is
    left to the server, which refuses it too.
    """
    return bool(_LIKELY.search(statement.text) and _OUTSIDE.match(_phrase(statement)))


def is_non_blocking(statement: Statement) -> bool:
    """Tell whether a statement keeps nobody waiting while it waits for its turn.

    The forms with CONCURRENTLY, and VACUUM without FULL, take no lock that a query conflicts with.
    """
    if not refuses(statement):
        return False
    phrase = _phrase(statement)
    return "CONCURRENTLY" in phrase or bool(re.match(r"VACUUM\b(?!.*\bFULL\b)", phrase))


def check(statement: Statement) -> None:
    """Refuse such a statement in a file that runs in a transaction.

    Raises:
        FormatError: with the line and the header line to add; the file is not named.
    """
    if refuses(statement):
        raise FormatError(
            f"cannot run in a transaction: {statement.summary(60)}",
            line=statement.line,
            hint="move it to a file of its own, with '-- Transaction: none' in the header",
            code="needs-no-transaction",
        )


def _phrase(statement: Statement) -> str:
    """Return a statement's words in capitals; `"` stands for each name in quotes."""
    kinds = {Kind.WORD: None, Kind.QUOTED_NAME: '"'}
    return " ".join(
        kinds[token.kind] or statement.text[token.start : token.end].upper()
        for token in lexer.tokens(statement.text)
        if token.kind in kinds
    )
