"""SQL without passwords and what may be one: called by `engine.disclosure` and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.sqltext import lexer, telling
from scripts.sqltext.lexer import Kind, Token

# Passwords stand in SQL after the word: CREATE ROLE … PASSWORD '…', the options of a foreign
# server, and inside a connection string.
_STRING = r"(?:[eE]?'(?:[^'\\]|''|\\.)*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$))"
_SECRET = re.compile(rf"(\bpassword\s*)({_STRING})", re.IGNORECASE | re.DOTALL)
_IN_DSN = re.compile(r"(password\s*=\s*)(?!\s)(?:\\?'+[^']*'+|[^\s'\"]+)", re.IGNORECASE)
# Up to the last @: what stands behind an earlier one is a part of the password too. It may have a
# slash in it, unless that follows a port.
_IN_URL = re.compile(r"""(\w://[^\s:/@]*:)(?:(?!\d+/)[^\s'"]+|[^\s/'"]+)(?=@)""")
_ROLES = re.compile(r"\b(CREATE|ALTER)\s+(ROLE|USER|GROUP)\b", re.IGNORECASE)
_LITERALS = (Kind.STRING, Kind.DOLLAR_STRING)
_HIDDEN = "'***'"


def masked(message: str) -> str:
    """Return a text with the passwords in it made unreadable, as far as their place shows."""
    if "password" in message.casefold():
        message = _IN_DSN.sub(r"\1***", _SECRET.sub(r"\1'***'", message))
    return _IN_URL.sub(r"\1***", message) if "://" in message else message


def statement(sql: str, *, bare: bool = False, limit: int | None = None) -> str:
    """Return SQL as it may be shown: without any string where one of them may be a secret.

    What follows a quote or a comment that is never closed is not shown either: nobody can tell
    what it is a part of.

    Args:
        sql: one statement, whole: its telling word may be the last one.
        bare: leave out all strings, telling word or not.
        limit: how many characters are wanted; the others need not be looked at.
    """
    limit = len(sql) if limit is None else limit
    parts, end = [], 0
    for token in _hidden(sql, limit, everything=bare or telling.found(sql)):
        parts += [sql[end : token.start], _HIDDEN]
        end = token.end
    return masked("".join([*parts, sql[end : max(end, limit)]]))


def shortened(sql: str, width: int = 80, *, bare: bool = False) -> str:
    """Return SQL on one line, without passwords, cut to `width` characters."""
    # Masking first: a cut must not hide where a password's string ends.
    line = " ".join(statement(sql, bare=bare, limit=4 * width).split())
    whole = len(line) <= width and len(sql) <= 4 * width
    return line if whole else f"{line[: width - 1]}…"


def opening(sql: str) -> str:
    """Return the first two words of a statement, where any other may be a secret without quotes."""
    words = re.match(r"\s*(\w+)(?:\s+(\w+))?", sql)
    return " ".join(word for word in (*(words.groups() if words else ()), "…") if word)


def strings(sql: str) -> Iterator[str]:
    """Give out what the strings of a statement hold, also those inside of a body in quotes."""
    try:
        for token in lexer.tokens(sql):
            text = sql[token.start : token.end]
            if token.kind is Kind.DOLLAR_STRING:
                tag = text.index("$", 1) + 1
                yield from strings(text[tag:-tag])
                yield text[tag:-tag]
            elif token.kind is Kind.STRING:
                yield text[text.index("'") + 1 : -1].replace("''", "'")
    except lexer.UnterminatedError:
        return


def _hidden(sql: str, limit: int, *, everything: bool) -> Iterator[Token]:
    """Give out strings, comments, and what stands where a password should: a name, or a word."""
    is_role = _ROLES.search(sql) is not None
    after = False
    try:
        for token in lexer.tokens(sql):
            if token.start >= limit:
                return
            if not everything:
                continue
            if token.kind in lexer.COMMENTS:
                yield token
                continue
            text = sql[token.start : token.end]
            if token.kind in _LITERALS or (after and text.upper() != "NULL"):
                yield token
            after = is_role and token.kind is Kind.WORD and text.upper() == "PASSWORD"
    except lexer.UnterminatedError as error:
        yield Token(Kind.STRING, error.start, len(sql))
