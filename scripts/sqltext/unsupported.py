"""SQL that psql could run and this system cannot or must not, with what to write instead."""

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


# What changes how psql and the server read strings from then on, which the lexer cannot follow.
_STRINGS = re.compile(r"SET (SESSION |LOCAL )?STANDARD_CONFORMING_STRINGS\b")


def check(statement: Statement) -> None:
    """Refuse a statement that cannot be run from a migration file.

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
            hint="close it: everything after it is read as part of this statement",
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
            hint=_instead_of(command),
        )


_INSTEAD = (
    (("\\copy",), "write the rows as INSERT INTO … VALUES …, or load them separately with psql"),
    (("\\i", "\\ir", "\\include"), "paste the SQL of that file here"),
    (("\\c", "\\connect"), "remove it: the run is already connected to the environment's database"),
    (
        ("\\g", "\\gx", "\\gexec", "\\gset"),
        "end the statement with `;` instead, or write a DO block",
    ),
    (("\\if", "\\elif", "\\else", "\\endif"), "write the condition in a DO block"),
    (("\\set", "\\unset"), "write the values themselves: variables are not replaced"),
)


def _instead_of(command: str) -> str:
    """Say what to write instead of a command of psql."""
    name = command.rstrip(";")
    return next(
        (hint for names, hint in _INSTEAD if name in names),
        "remove it, or write the SQL that it stands for: only psql knows this command",
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
            "COPY FROM STDIN and COPY TO STDOUT do not work in a migration file",
            line=statement.line,
            hint="write the rows as INSERT INTO … VALUES …",
        )


def _refuse_old_strings(statement: Statement) -> None:
    if not _STRINGS.match(" ".join(statement.words)):
        return
    if not re.search(r"(=|\bTO\b)\s*'?(ON|TRUE|YES|1|DEFAULT)\b", statement.text, re.IGNORECASE):
        raise FormatError(
            "standard_conforming_strings = off changes where strings with backslashes end",
            line=statement.line,
            hint="remove the setting, and write strings with backslashes as E'…'",
        )


def _refuse_transaction(statement: Statement) -> None:
    if _TRANSACTION.match(" ".join(statement.words)):
        raise FormatError(
            f"'{statement.words[0]}' is not allowed: each run manages its own transactions",
            line=statement.line,
            hint="remove it: each file runs in one transaction; "
            "'-- Transaction: none' in the header runs each statement by itself",
        )
