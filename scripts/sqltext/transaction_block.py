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
# is none of them.
_OUTSIDE = re.compile(
    r"VACUUM\b|ALTER SYSTEM\b|DISCARD ALL\b|(CREATE|DROP) (DATABASE|TABLESPACE)\b"
    r"|ALTER DATABASE\b.* SET TABLESPACE\b|CLUSTER( VERBOSE)?$"
    r"|CREATE (UNIQUE )?INDEX CONCURRENTLY\b|DROP INDEX CONCURRENTLY\b"
    r"|ALTER TABLE\b.* DETACH PARTITION\b.* CONCURRENTLY\b"
)
# A text without any of these words is none of them: most need not be looked at word by word.
_LIKELY = re.compile(
    r"vacuum|system|discard|database|tablespace|cluster|subscription|schema|concurrently",
    re.IGNORECASE,
)


def refuses(statement: Statement) -> bool:
    """Tell whether PostgreSQL runs a statement outside a transaction only.

    What depends on the database and not on the text is left to the server, which refuses it too:
    REINDEX of a partitioned table, and what `may_refuse` adds.
    """
    if not _LIKELY.search(statement.text):
        return False
    match statement.words[:2]:
        case ("REINDEX", *_):
            found = reindex.of(statement)
            return found is not None and (
                found.concurrently or found.target in ("schema", "database", "system")
            )
        case ("CREATE" | "ALTER", "SUBSCRIPTION"):
            return _changes_a_publisher(statement)
        case _:
            return bool(_OUTSIDE.match(_phrase(statement)))


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
    creates = bool(reader.word("create", "subscription"))
    if not creates:
        reader.word("alter", "subscription")
    reader.identifier()
    action = _go_to_options(reader)
    options = reader.options()
    if creates:
        wanted = ("connect", "create_slot")
        return all(identifiers.is_on(options.get(name)) for name in wanted)
    if action == "publication":
        return identifiers.is_on(options.get("refresh"))
    return action == "refresh" or not options.keys().isdisjoint(("failover", "two_phase"))


def _go_to_options(reader: Reader) -> str:
    """Go to the options, behind WITH or SET; return which of the actions of ALTER it passes."""
    action = ""
    while reader.peek() is not None and not reader.word("with"):
        word = reader.one_of("refresh", "publication", "set")
        if not word:
            reader.take()
        elif word != "set":
            action = action or word
        elif (ahead := reader.peek()) and ahead.kind is Kind.OPEN:
            break
    return action


def _phrase(statement: Statement) -> str:
    """Return a statement's words in capitals; `"` stands for each name in quotes."""
    kinds = {Kind.WORD: None, Kind.QUOTED_NAME: '"'}
    return " ".join(
        kinds[token.kind] or statement.text[token.start : token.end].upper()
        for token in lexer.tokens(statement.text)
        if token.kind in kinds
    )
