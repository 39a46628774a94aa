"""SQL that psql could run and this system can't, or must not, with what to write instead."""

from __future__ import annotations

import re

from scripts.errors import FormatError
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

# https://www.postgresql.org/docs/current/sql-commands.html: what opens or ends a transaction.
# SAVEPOINT, RELEASE and ROLLBACK TO stay inside one and are fine.
_TRANSACTION = re.compile(
    r"(BEGIN|COMMIT|END|ABORT|START TRANSACTION|PREPARE TRANSACTION"
    r"|ROLLBACK(?!( WORK| TRANSACTION)? TO\b))\b"
)


# What psql and the server read differently from then on, and the lexer can't know.
_STRINGS = re.compile(r"SET (SESSION |LOCAL )?STANDARD_CONFORMING_STRINGS\b")


def check(statement: Statement) -> None:
    """Refuse a statement that can't be run from a migration file.

    Raises:
        FormatError: with the line and the way out; the file is not named.
    """
    _refuse_psql_command(statement)
    _refuse_copy(statement)
    _refuse_transaction(statement)
    _refuse_old_strings(statement)
    if statement.unclosed:
        raise FormatError(
            f"'{statement.unclosed}' is never closed in the statement that begins here",
            line=statement.line,
            way_out="close it: nothing after it can be told apart",
        )


def _refuse_psql_command(statement: Statement) -> None:
    if "\\" not in statement.text:
        return
    for token in lexer.tokens(statement.text):
        if token.kind is not Kind.BACKSLASH:
            continue
        command = statement.text[token.start :].split(maxsplit=1)[0]
        raise FormatError(
            f"'{command}' is a command of psql, not SQL",
            line=statement.line_at(token.start),
            way_out=_instead_of(command),
        )


_INSTEAD = (
    (("\\copy",), "write the rows as INSERT INTO … VALUES …, or load them with psql, by itself"),
    (("\\i", "\\ir", "\\include"), "paste the SQL that it would read"),
    (("\\c", "\\connect"), "leave it out: the run is connected to the environment's database"),
    (("\\g", "\\gx", "\\gexec", "\\gset"), "end the statement with ; instead, or write a DO block"),
    (("\\if", "\\elif", "\\else", "\\endif"), "write the condition in a DO block"),
    (("\\set", "\\unset"), "write the values themselves: no variables are put in"),
)


def _instead_of(command: str) -> str:
    """Say what to write for a command of psql."""
    name = command.rstrip(";")
    return next(
        (way_out for names, way_out in _INSTEAD if name in names),
        "leave it out, or write the SQL that it stands for: only psql knows it",
    )


def _refuse_copy(statement: Statement) -> None:
    if statement.command != "COPY":
        return
    words = {
        statement.text[token.start : token.end].upper()
        for token in lexer.tokens(statement.text)
        if token.kind is Kind.WORD
    }
    if words & {"STDIN", "STDOUT"}:
        raise FormatError(
            "COPY from or to the client is not possible in a migration file",
            line=statement.line,
            way_out="write the rows as INSERT INTO … VALUES …",
        )


def _refuse_old_strings(statement: Statement) -> None:
    if not _STRINGS.match(" ".join(statement.words)):
        return
    if not re.search(r"(=|\bTO\b)\s*'?(ON|TRUE|YES|1|DEFAULT)\b", statement.text, re.IGNORECASE):
        raise FormatError(
            "with standard_conforming_strings off, a backslash changes where a string ends",
            line=statement.line,
            way_out="leave the setting out, and write strings with backslashes as E'…'",
        )


def _refuse_transaction(statement: Statement) -> None:
    if _TRANSACTION.match(" ".join(statement.words)):
        raise FormatError(
            f"'{statement.words[0]}' manages a transaction, and the runner does that",
            line=statement.line,
            way_out="leave it out: each file is one transaction; "
            "'-- Transaction: none' in the header runs each statement by itself",
        )
