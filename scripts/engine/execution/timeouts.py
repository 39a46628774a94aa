"""How long statements may wait and run: as SQL, for a transaction or for a session.

SET LOCAL ends with the transaction, so nothing stays behind on a pooled connection.
"""

from __future__ import annotations

from scripts.engine.settings import Limits
from scripts.files.header import Header
from scripts.sqltext import transaction_block
from scripts.sqltext.statements import Statement

_WATCH_CLIENT = "client_connection_check_interval"
_WATCH_CLIENT_MS = 2000


def local(header: Header, limits: Limits, *, watch_client: bool = False) -> str:
    """Return what sets the timeouts for a transaction.

    Args:
        header: of the file; it takes precedence.
        limits: what holds where it says nothing.
        watch_client: have the server end a statement soon after its client has died; see
            https://www.postgresql.org/docs/current/runtime-config-connection.html.
    """
    values = {
        "lock_timeout": _or(header.lock_timeout_ms, limits.lock_timeout_ms),
        "statement_timeout": _or(header.statement_timeout_ms, limits.statement_timeout_ms),
        # A pause before a retry must not be taken for a forgotten transaction.
        "idle_in_transaction_session_timeout": 0,
    }
    if watch_client:
        values[_WATCH_CLIENT] = _WATCH_CLIENT_MS
    return " ".join(f"SET LOCAL {name} = {value};" for name, value in values.items())


def session(header: Header, limits: Limits, statement: Statement) -> dict[str, int]:
    """Return the timeouts of one statement outside a transaction, by name, in milliseconds.

    CREATE INDEX CONCURRENTLY and similar must wait for old transactions to end, keep nobody
    waiting meanwhile, and leave an invalid index when interrupted: only the header limits their
    waits.
    """
    patient = transaction_block.is_non_blocking(statement)
    return {
        "lock_timeout": _or(header.lock_timeout_ms, 0 if patient else limits.lock_timeout_ms),
        "statement_timeout": _or(header.statement_timeout_ms, limits.statement_timeout_ms),
    }


def watching(*, watch_client: bool) -> dict[str, int]:
    """Return what has the server look for its client during a statement; see `local`."""
    return {_WATCH_CLIENT: _WATCH_CLIENT_MS} if watch_client else {}


def supports_watching(version: int, platform: str) -> bool:
    """Tell whether the server can look for its client: from 14 on, where its system can.

    Args:
        version: `server_version` as libpq gives it: 150004.
        platform: what `version()` says of the server's system.
    """
    return version >= 140000 and "linux" in platform


def _or(own: int | None, default: int) -> int:
    return default if own is None else own
