"""Telling words: names beside which a password may stand, matched by their parts."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

# `smtp_password`, `apiKey`, `x-api-key`: a name is cut where people cut it, at _ . - and capitals.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORD = re.compile(
    r"(?:db|user|smtp|admin|root|my|pg)?pass|pw|creds?|bearer|jwt|dblink|authorization|(?:private|access)key|hmac"
    # Names that are written in one: `smtppassword`, `accesstoken`, `bcrypt`.
    r"|.*(?:passw|passphrase|passcode|pwd|secret|credential|crypt|apikey|tokens?$).*"
)
_KEY = re.compile(
    r"api|private|jwt|app|access|secret|master|encryption|signing|service|license|shared|ssh|ssl"
)
"""Ahead of `key` these make it one that is kept secret, unlike a primary or a foreign key."""
# Statements that are made to carry one, whatever it is called, and a URL with a password in it.
_COMMANDS = re.compile(
    r"\b(?:CREATE|ALTER)\s+(?:ROLE|USER|GROUP|SUBSCRIPTION|SERVER)\b|(?:^|;|\*/)\s*COPY\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\bOPTIONS\s*\(|\bkey'|\w://[^\s/@]*:\S*@", re.IGNORECASE)


def found(sql: str) -> bool:
    """Tell whether a string of a statement may be a secret: a telling word stands anywhere in it.

    Args:
        sql: one statement, whole.
    """
    if _COMMANDS.search(sql) or _BESIDE.search(sql):
        return True
    return any(is_telling(name) for name in set(_NAME.findall(sql)))


@functools.lru_cache(maxsize=4096)
def is_telling(name: str) -> bool:
    """Tell whether a name, or a part of it, is a telling word."""
    parts = [part.lower() for part in _PART.findall(name)]
    if any(_WORD.fullmatch(part) for part in parts):
        return True
    return any(_KEY.fullmatch(one) and two in ("key", "keys") for one, two in pairwise(parts))
