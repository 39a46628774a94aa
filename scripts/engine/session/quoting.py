"""Values as any session reads them, whatever has been set since it was opened."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import AsIs


def safe(value: Any) -> Any:
    r"""Return a value that the driver writes rightly; only text with a backslash is another one.

    psycopg2 decides when it connects whether such a text becomes E'…', and libpq doubles its
    backslashes by what `standard_conforming_strings` says now. Where a database has that off, and a
    session sets it on, `a\b` would lose a letter.
    """
    if not isinstance(value, str) or "\\" not in value:
        return value
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return AsIs(f"E'{doubled}'")
