"""Checks of the files against the ledger of a database that can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.checks.finding import Finding, Severity
from scripts.engine import operations
from scripts.engine.ledger import state
from scripts.engine.session.database import Say
from scripts.errors import LedgerError
from scripts.files.project import Environment, Project, shown


def check(project: Project, environment: Environment, say: Say) -> Iterator[Finding]:
    """Find files that changed after they were applied, and a ledger that disagrees with Alembic.

    Raises:
        ServerError: when the database can't be reached.
    """
    found = operations.look(project, environment, say)
    try:
        state.check_agreement(found)
    except LedgerError as error:
        yield Finding(
            code="ledger-disagrees",
            severity=Severity.ERROR,
            where=f"database {environment.name}",
            message=error.what,
            detail=error.detail,
            way_out=error.way_out,
        )
    for applied in found.changed:
        if applied.entry:
            yield Finding(
                code="changed-after-apply",
                severity=Severity.ERROR,
                where=shown(applied.entry.path),
                message=f"the file was changed after {environment.name} applied it",
                detail=f"applied: {applied.row.checksum}\nnow:     {applied.file_checksum}",
                way_out="restore the file, and put what is new into a new migration",
            )
