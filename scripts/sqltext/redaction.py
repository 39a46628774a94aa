"""SQL and messages as they may be shown: without passwords and what may be one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind, Token

# Passwords stand in SQL after the word: CREATE ROLE … PASSWORD '…', the options of a foreign
# server, and inside a connection string.
_STRING = r"(?:[eE]?'(?:[^'\\]|''|\\.)*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$))"
_SECRET = re.compile(rf"(\bpassword\s*)({_STRING})", re.IGNORECASE | re.DOTALL)
_IN_DSN = re.compile(r"(password\s*=\s*)(?!\s)(?:\\?'+[^']*'+|[^\s'\"]+)", re.IGNORECASE)
_IN_URL = re.compile(r"(\w://[^\s:/@]*:)[^\s@/]+(?=@)")
# A statement with one of these words is shown without any of its strings: which of them is the
# secret can't be told.
_SENSITIVE = re.compile(
    r"passw|pwd|secret|token|credential|crypt|hmac|(api|private|jwt|app)[._]?key|\bkey'",
    re.IGNORECASE,
)
_VALUES = re.compile(r"(Failing row contains |=)\(.*\)", re.DOTALL)
_ROLES = re.compile(r"\s*(CREATE|ALTER)\s+(ROLE|USER|GROUP)\b", re.IGNORECASE)
_LITERALS = (Kind.STRING, Kind.DOLLAR_STRING)
_HIDDEN = "'***'"
_SHORTEST = 3
"""Characters: masking every `a` of a message helps nobody."""


def masked(message: str) -> str:
    """Return a message with the passwords in it made unreadable, as far as their place shows."""
    message = _SECRET.sub(r"\1'***'", message)
    return _IN_URL.sub(r"\1***", _IN_DSN.sub(r"\1***", message))


def statement(sql: str) -> str:
    """Return SQL as it may be shown: without any string where one of them may be a secret."""
    if not _SENSITIVE.search(sql):
        return masked(sql)
    parts, end = [], 0
    for token in _hidden(sql):
        parts += [sql[end : token.start], _HIDDEN]
        end = token.end
    return masked("".join([*parts, sql[end:]]))


def answer(message: str, sql: str) -> str:
    """Return what a server says of a statement, without the statement's secrets.

    Args:
        message: message, detail, context: they quote the statement, and rows.
        sql: the statement.
    """
    if not _SENSITIVE.search(sql):
        return masked(message)
    found = {sql[token.start : token.end].strip("'\"$") for token in _hidden(sql)}
    for secret in sorted(found, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            message = message.replace(secret, "***")
    return masked(_VALUES.sub(r"\1(***)", message))


def shortened(sql: str, width: int = 80) -> str:
    """Return SQL on one line, without passwords, cut to `width` characters."""
    # Masking first: a cut must not hide where a password's string ends.
    line = " ".join(statement(sql[: 4 * width]).split())
    whole = len(line) <= width and len(sql) <= 4 * width
    return line if whole else f"{line[: width - 1]}…"


def _hidden(sql: str) -> Iterator[Token]:
    """Give out the strings, and what stands where a password should: a name, or a word."""
    is_role = _ROLES.match(sql) is not None
    after = False
    try:
        for token in lexer.tokens(sql):
            if token.kind in (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT):
                continue
            text = sql[token.start : token.end]
            if token.kind in _LITERALS or (after and text.upper() != "NULL"):
                yield token
            after = is_role and token.kind is Kind.WORD and text.upper() == "PASSWORD"
    except lexer.UnterminatedError as error:
        yield Token(Kind.STRING, error.start, len(sql))
