"""What libpq says when a connection fails: whether waiting helps, and where to look."""

from __future__ import annotations

import re
from typing import NamedTuple


class _Cause(NamedTuple):
    """One way in which connecting fails."""

    pattern: str
    look_at: str
    """What to do about it; {setting} is the name of the URL's."""
    final: bool = True
    """Whether waiting does not help."""


# libpq gives no SQLSTATE while it connects, so it is the words that count: of PostgreSQL, PgBouncer
# and RDS Proxy. The first that fits says what to do; whatever is not listed is tried again.
_CAUSES = (
    _Cause(
        "authentication failed|no password supplied",
        "check the user and the password in {setting}",
    ),
    _Cause(
        "database .* does not exist|no such database",
        "create the database, or correct its name in {setting}",
    ),
    _Cause(
        "(role|user) .* does not exist|no such user|has no credentials|not permitted to log in",
        "check the user in {setting}",
    ),
    _Cause(
        "permission denied for database", "GRANT CONNECT on the database to the user in {setting}"
    ),
    _Cause("permission denied", "check who may use the server's socket and its folder"),
    _Cause(
        r"no pg_hba\.conf entry",
        "check user, database and sslmode in {setting}: the server's pg_hba.conf does not allow "
        "the combination",
    ),
    _Cause("not currently accepting connections", "ALTER DATABASE … ALLOW_CONNECTIONS true"),
    _Cause(
        "certificate|does not support SSL|SSL error|sslmode|channel binding|private key",
        "check sslmode and sslrootcert in {setting}",
    ),
    _Cause(
        "unsupported startup parameter|unrecognized configuration|unsupported frontend protocol"
        r'|parameter "\w+" (cannot|requires)|invalid (connection option|port|integer|value)',
        "check the parameters behind the ? in {setting}",
    ),
    _Cause("could not translate host name", "check the host in {setting}", final=False),
)
_DEFAULT = "check the host and the port in {setting}, and that the server is up"


def is_final(message: str) -> bool:
    """Tell whether waiting is useless, from what libpq says about a failed connection."""
    return any(_fits(cause, message) for cause in _CAUSES if cause.final)


def hint(message: str, setting: str) -> str:
    """Return what to look at.

    Args:
        message: libpq's.
        setting: the name of the setting that holds the URL.
    """
    look_at = next((cause.look_at for cause in _CAUSES if _fits(cause, message)), _DEFAULT)
    return look_at.format(setting=setting)


def reason(message: str) -> str:
    """Return what happened, in a line: for several hosts, at the last of them."""
    lines = [line for line in message.splitlines() if line and not line.startswith((" ", "\t"))]
    return re.sub(r"^connection to server .* failed: ", "", lines[-1] if lines else message)


def _fits(cause: _Cause, message: str) -> bool:
    return re.search(cause.pattern, message, re.IGNORECASE) is not None
