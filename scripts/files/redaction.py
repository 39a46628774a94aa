"""SQL as it may be shown: on one line, shortened, without passwords."""

from __future__ import annotations

import re

# Passwords stand in SQL after the word: CREATE ROLE … PASSWORD '…', the options of a foreign
# server, and inside a connection string.
_STRING = r"(?:[eE]?'(?:[^'\\]|''|\\.)*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$))"
_SECRET = re.compile(rf"(\bpassword\s*)({_STRING})", re.IGNORECASE | re.DOTALL)
_IN_DSN = re.compile(r"(\bpassword\s*=\s*)(?!\s)(?:\\?'[^']*'|[^\s'\"]+)", re.IGNORECASE)
_IN_URL = re.compile(r"(\w://[^\s:/@]+:)[^\s@/]+(?=@)")


def masked(sql: str) -> str:
    """Return SQL, or a server's message about it, with passwords made unreadable."""
    sql = _SECRET.sub(r"\1'***'", sql)
    return _IN_URL.sub(r"\1***", _IN_DSN.sub(r"\1***", sql))


def shortened(sql: str, width: int = 80) -> str:
    """Return SQL on one line, without passwords, cut to `width` characters."""
    # Masking first: a cut must not hide where a password's string ends.
    line = " ".join(masked(sql[: 4 * width]).split())
    whole = len(line) <= width and len(sql) <= 4 * width
    return line if whole else f"{line[: width - 1]}…"
