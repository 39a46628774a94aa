"""What may be set for a role or a database, and must not change what a migration means.

`ALTER ROLE … SET` and `ALTER DATABASE … SET` hold from a session's beginning. Any login may set
these back: https://www.postgresql.org/docs/current/runtime-config-client.html.
"""

from __future__ import annotations

_LOCAL = {
    "standard_conforming_strings": "on",
    "row_security": "on",
    "client_min_messages": "notice",
}
"""In each transaction that runs a file."""
_SESSION = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
"""In a session that is ours alone, besides."""

MEANING = (
    "standard_conforming_strings",
    "row_security",
    "default_transaction_isolation",
    "default_transaction_deferrable",
)
"""Those that change what a statement means."""
TIMEOUTS = ("statement_timeout", "lock_timeout", "transaction_timeout")
"""Those that end a statement, and are 0 in a session of ours."""


def local(version: int) -> dict[str, str]:
    """Return what a transaction sets back, by name, as SQL.

    Args:
        version: the server's, as libpq has it: 150004 is 15.4.
    """
    return _LOCAL | ({"transaction_timeout": "0"} if version >= 170000 else {})


def values(version: int) -> dict[str, str]:
    """Return what a session of our own sets back, by name, as plain text; see `local`."""
    idle = {"idle_session_timeout": "0"} if version >= 140000 else {}
    return local(version) | _SESSION | idle
