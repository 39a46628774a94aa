"""Reads what the ledger stores for rollbacks: the SQL, and what existed before. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Identifier, Literal

from scripts.engine.ledger.table import FINGERPRINT, Ledger, fingerprint
from scripts.errors import LedgerError

if TYPE_CHECKING:
    from scripts.engine.objects.existing import Existing


def rollback_sql(
    connection: Connection, ledger: Ledger, versions: Sequence[str]
) -> dict[str, str | None]:
    """Read the SQL that the ledger stores to undo migrations; None where it stores none.

    Raises:
        LedgerError: when a migration has no row, or its SQL was changed since it was stored.
    """
    found = _stored(connection, ledger, versions)
    for version, (stored, noted) in found.items():
        _check_stored(ledger, version, fingerprint(stored or ""), noted)
    return {version: stored for version, (stored, _) in found.items()}


def _check_stored(ledger: Ledger, version: str, found: str, noted: str | None) -> None:
    # A ledger of an older tool has no checksum to hold it against.
    if ledger.has_checksums and noted != found:
        raise LedgerError(
            f"the rollback SQL of {version} in {ledger.table} was changed since it was stored",
            detail=f"stored: {noted or 'no checksum'}\nnow:    {found}",
            hint="find out who changed it; `python scripts/rollback.py --use-file` runs the "
            "file's DOWN instead",
        )


def existed_before(
    connection: Connection, ledger: Ledger, versions: Sequence[str]
) -> dict[str, tuple[Existing, ...]]:
    """Read which objects existed before migrations; none for those that were not checked."""
    from scripts.engine.objects import existing

    if "existed_before" not in ledger.columns or not versions:
        return {}
    query = SQL(
        "SELECT version, existed_before FROM {} WHERE version = ANY ({}) AND existed_before <> '[]'"
    ).format(ledger.name, Literal(list(versions)))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {version: existing.parse(stored) for version, stored in cursor}


def kept_sql(connection: Connection, ledger: Ledger, versions: Sequence[str]) -> dict[str, str]:
    """Read the same, for display only, whatever its checksum; "" where nothing is stored."""
    found = _stored(connection, ledger, versions)
    return {version: stored or "" for version, (stored, _) in found.items()}


def _stored(
    connection: Connection, ledger: Ledger, versions: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    query = SQL("SELECT version, rollback_sql, {} FROM {} WHERE version = ANY ({})")
    checksum = Identifier("rollback_checksum") if ledger.has_checksums else SQL("NULL")
    with connection.cursor() as cursor:
        cursor.execute(query.format(checksum, ledger.name, Literal(list(versions))))
        found = {version: (stored, noted) for version, stored, noted in cursor}
    missing = next((version for version in versions if version not in found), None)
    if missing is not None:
        raise LedgerError(
            f"the ledger {ledger.table} has no row for {missing}",
            hint="`python scripts/status.py` shows its content",
        )
    return found


def fingerprints(connection: Connection, ledger: Ledger, versions: Sequence[str]) -> dict[str, str]:
    """Read the SHA-256 of the SQL that is stored, as the server works it out; see `fingerprint`.

    Returns:
        By version; a version without a row is missing.

    Raises:
        LedgerError: when the SQL of one was changed since it was stored.
    """
    noted = Identifier("rollback_checksum") if ledger.has_checksums else SQL("NULL")
    query = SQL("SELECT version, {}, {} FROM {} WHERE version = ANY ({})").format(
        SQL(FINGERPRINT), noted, ledger.name, Literal(list(versions))
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
    for version, found, known in rows:
        _check_stored(ledger, version, found, known)
    return {version: found for version, found, _ in rows}


def changed(connection: Connection, ledger: Ledger, versions: Sequence[str]) -> set[str]:
    """Return the versions whose rollback SQL is not what was stored, by its checksum."""
    if not ledger.has_checksums:
        return set()
    query = SQL(
        "SELECT version FROM {} WHERE version = ANY ({}) AND {} IS DISTINCT FROM rollback_checksum"
    ).format(ledger.name, Literal(list(versions)), SQL(FINGERPRINT))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {version for (version,) in cursor}


def has(connection: Connection, ledger: Ledger, versions: Sequence[str]) -> bool:
    """Tell whether the ledger has a row for each of these versions."""
    query = SQL("SELECT count(*) FROM {} WHERE version = ANY ({})").format(
        ledger.name, Literal(list(versions))
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return bool(cursor.fetchone() == (len(versions),))
