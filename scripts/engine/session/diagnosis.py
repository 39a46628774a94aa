"""What the server said, laid out for people."""

from __future__ import annotations

import psycopg2

from scripts.sqltext.redaction import masked

GONE = ("42P01", "3F000")
"""What the server says of a table that is not there, or whose schema is not."""


def explained(error: psycopg2.Error, *more: str) -> str:
    """Return what the server said: message, SQLSTATE, detail, hint, context; no password.

    Args:
        error: what the driver raised.
        more: lines to be added; empty ones are left out.
    """
    diagnostics = error.diag
    message = diagnostics.message_primary or str(error).strip()
    lines = [
        f"{message} [{error.pgcode}]" if error.pgcode else message,
        f"detail: {diagnostics.message_detail}" if diagnostics.message_detail else "",
        f"hint: {diagnostics.message_hint}" if diagnostics.message_hint else "",
        f"context: {diagnostics.context}" if diagnostics.context else "",
        *more,
    ]
    return masked("\n".join(line for line in lines if line))
