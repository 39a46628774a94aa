"""The checks of one live database: its ledger, and what was left unfinished in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.checks.finding import Finding
from scripts.engine.ledger import stored
from scripts.engine.safeguards import agreement
from scripts.engine.status import Status
from scripts.errors import LedgerError, MigrationError
from scripts.files import history
from scripts.files.project import shown

_INVALID = (
    "SELECT format('%I.%I', n.nspname, c.relname), i.indrelid::regclass::text"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_' ORDER BY 1"
)
_NOT_VALID = (
    "SELECT conname, conrelid::regclass::text FROM pg_catalog.pg_constraint"
    " WHERE NOT convalidated AND contype IN ('c', 'f', 'n') AND conrelid <> 0 ORDER BY 2, 1"
)


def check(connection: Connection, found: Status) -> Iterator[Finding]:
    """Check a database's ledger, and its catalog for unfinished work.

    Args:
        connection: in a transaction that is read-only.
        found: files and ledger.

    Raises:
        psycopg2.Error: when the catalog cannot be read.
    """
    yield from _ledger(found)
    yield from _rollbacks(connection, found)
    yield from _unfinished(connection, found.name)


def _ledger(found: Status) -> Iterator[Finding]:
    try:
        agreement.check_agreement(found)
    except LedgerError as error:
        yield _of(found.name, "live-disagrees", error.what, error.detail, error.hint)
    renamed = {one.row.version: one for one in found.renamed}
    for one in found.renamed:
        yield Finding(
            code="live-changed",
            database=found.name,
            path=shown(one.entry.path),
            message=str(one),
            hint=f"rename it, and its revision file, back to {one.row.filename}; or have its row "
            "follow it: python scripts/repair.py",
        )
    for applied in found.changed:
        if applied.entry and applied.row.version not in renamed:
            yield Finding(
                code="live-changed",
                database=found.name,
                path=shown(applied.entry.path),
                message=f"the file was changed after {found.name} applied it",
                detail=f"applied: {applied.row.checksum}\nnow:     {applied.file_checksum}",
                hint="restore the file, and put the change in a new migration; if only comments "
                "were changed: python scripts/repair.py",
            )
    for applied in found.ahead:
        if applied.row.version in renamed:
            continue
        what = f"{applied.row.filename} is applied, but is not in this checkout"
        yield _of(found.name, "live-ahead", what, hint="deploy the release that has it")
    highest = max((applied.number for applied in found.applied), default=0)
    again = {one.entry for one in found.renamed}
    for entry in (one for one in found.pending if one not in again):
        below = entry.number < highest
        yield Finding(
            code="live-pending-below" if below else "live-pending",
            database=found.name,
            path=shown(entry.path),
            message=f"{found.name} is at {found.current} and has not applied {entry.filename}",
            hint=f"give it a number above {highest}: {history.RENUMBERING}"
            if below
            else "run python scripts/migrate.py",
        )


def _rollbacks(connection: Connection, found: Status) -> Iterator[Finding]:
    versions = [applied.row.version for applied in found.applied]
    if not versions:
        return
    try:
        stored.fingerprints(connection, found.ledger, versions)
    except MigrationError:
        # Each one that was changed is named.
        yield from _changed_rollbacks(connection, found, versions)


def _changed_rollbacks(
    connection: Connection, found: Status, versions: Sequence[str]
) -> Iterator[Finding]:
    for version in versions:
        try:
            stored.fingerprints(connection, found.ledger, [version])
        except MigrationError as error:
            yield _of(found.name, "live-rollback", error.what, error.detail, error.hint)


def _unfinished(connection: Connection, database: str) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_INVALID)
        for name, table in cursor.fetchall():
            what = f"index {name} on {table} is invalid"
            hint = f"run DROP INDEX CONCURRENTLY {name}, then create the index again"
            yield _of(database, "live-invalid-index", what, hint=hint)
        cursor.execute(_NOT_VALID)
        for name, table in cursor.fetchall():
            what = f"constraint {name} of {table} was never validated"
            hint = f"add a migration with ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
            yield _of(database, "live-not-valid", what, hint=hint)


def _of(name: str, code: str, what: str, detail: str = "", hint: str = "") -> Finding:
    return Finding(code=code, database=name, message=what, detail=detail, hint=hint)
