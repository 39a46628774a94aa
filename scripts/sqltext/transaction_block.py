"""Statements that PostgreSQL refuses inside a transaction."""

from __future__ import annotations

import re

from scripts.errors import FormatError
from scripts.sqltext import identifiers, lexer, reindex
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

MOVE_IT = "move it to a file of its own, with '-- Transaction: none' in the header"
"""The way out where a statement needs to run outside a transaction."""

# The commands whose pages in the manual say "cannot be executed inside a transaction block";
# https://www.postgresql.org/docs/current/sql-commands.html. REFRESH MATERIALIZED VIEW CONCURRENTLY
# is none of them. What begins with other words need not be looked at any further.
_OUTSIDE = re.compile(
    r"VACUUM\b|ALTER SYSTEM\b|DISCARD ALL\b|(CREATE|DROP) (DATABASE|TABLESPACE)\b"
    r"|CREATE (UNIQUE )?INDEX CONCURRENTLY\b|DROP INDEX CONCURRENTLY\b"
)
_MAYBE_OUTSIDE = re.compile(
    r"ALTER DATABASE\b.* SET TABLESPACE\b|CLUSTER( VERBOSE)?$"
    r"|ALTER TABLE\b.* DETACH PARTITION\b.* CONCURRENTLY\b"
)
"""For these the words beyond the first few count."""


def refuses(statement: Statement) -> bool:
    """Tell whether PostgreSQL runs a statement outside a transaction only.

    What depends on the database and not on the text is left to the server, which refuses it too:
    REINDEX of a partitioned table, and what `may_refuse` adds.
    """
    match statement.words[:2]:
        case ("REINDEX", *_):
            found = reindex.of(statement)
            return found is not None and (
                found.concurrently or found.target in ("schema", "database", "system")
            )
        case ("CREATE" | "ALTER", "SUBSCRIPTION"):
            return _changes_a_publisher(statement)
        case ("CLUSTER", *_) | ("ALTER", "TABLE" | "DATABASE"):
            return bool(_MAYBE_OUTSIDE.match(_phrase(statement)))
        case _:
            return bool(_OUTSIDE.match(" ".join(statement.words)))


def may_refuse(statement: Statement) -> bool:
    """Tell whether PostgreSQL may run a statement outside a transaction only.

    DROP SUBSCRIPTION is one as long as the subscription has a slot at the publisher.
    """
    return statement.words[:2] == ("DROP", "SUBSCRIPTION") or refuses(statement)


def is_non_blocking(statement: Statement) -> bool:
    """Tell whether a statement keeps nobody waiting while it waits for its turn.

    The forms with CONCURRENTLY, and VACUUM without FULL, take no lock that a query conflicts with.
    """
    if not refuses(statement):
        return False
    if found := reindex.of(statement):
        return found.concurrently
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
            hint=MOVE_IT,
            code="needs-no-transaction",
        )


def _changes_a_publisher(statement: Statement) -> bool:
    """Tell whether a subscription's statement makes, changes or asks for something elsewhere.

    https://www.postgresql.org/docs/current/sql-createsubscription.html and
    https://www.postgresql.org/docs/current/sql-altersubscription.html
    """
    reader = Reader(statement.text, statement.body)
    if reader.word("create", "subscription"):
        options = _with(reader)
        return all(identifiers.is_on(options.get(name)) for name in ("connect", "create_slot"))
    reader.word("alter", "subscription")
    reader.identifier()
    if reader.word("refresh"):
        return True
    action = reader.one_of("set", "add", "drop")
    if action and reader.word("publication"):
        return identifiers.is_on(_with(reader).get("refresh"))
    options = reader.options() if action == "set" else {}
    return "failover" in options or not identifiers.is_on(options.get("two_phase"))


def _with(reader: Reader) -> dict[str, str | None]:
    """Go to WITH and return its options."""
    while reader.peek() is not None:
        if reader.word("with"):
            return reader.options()
        reader.take()
    return {}


def _phrase(statement: Statement) -> str:
    """Return a statement's words in capitals; `"` stands for each name in quotes."""
    kinds = {Kind.WORD: None, Kind.QUOTED_NAME: '"'}
    return " ".join(
        kinds[token.kind] or statement.text[token.start : token.end].upper()
        for token in lexer.tokens(statement.text)
        if token.kind in kinds
    )
