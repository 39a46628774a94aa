"""What is found before a run, as values: files in a folder, and rows that no database has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from scripts.engine.ledger.partial import Partial
from scripts.engine.ledger.table import Ledger, Row
from scripts.engine.reported import Direction
from scripts.engine.settings import TableName
from scripts.engine.status import Applied, Status
from scripts.engine.step import Step
from scripts.files import checksum, history
from scripts.files.project import Environment
from scripts.sqltext import drops
from tests.support.projects import REVISION
from tests.support.texts import migration, read

_AT = datetime(2026, 11, 3, 12, tzinfo=UTC)
_PARTIAL = Partial(
    version="003",
    direction="up",
    filename="003_step.sql",
    checksum=None,
    done=1,
    statements=2,
    at=_AT,
    line=7,
    failed=True,
    unsure=False,
    reason="division by zero",
    rollback_sql=None,
    existing={},
)


def write(environment: Environment, version: str, text: str = "") -> None:
    """Write a migration, and a revision file that comes after the number below."""
    (environment.sql / f"{version}_step.sql").write_text(text or migration(down="SELECT 1;"))
    below = f'"{int(version) - 1:03}"' if int(version) > 1 else None
    (environment.versions / f"{version}_step.py").write_text(
        REVISION.format(version=version, below=below)
    )


def state(
    environment: Environment, *applied: str, heads: Sequence[str] | None = None, **more: Any
) -> Status:
    """Return the state of a database that has these versions, with the files that there are.

    Args:
        environment: with the files.
        applied: versions.
        heads: Alembic's version, where it is another than the last one applied.
        more: other fields of the state.
    """
    files = history.read(environment)
    rows = []
    for version in applied:
        entry = files.find(version)
        text = checksum.of(entry.path.read_bytes()) if entry else "0"
        row = Row(
            version=version,
            filename=f"{version}_step.sql",
            applied_at=_AT,
            checksum=text,
            description="",
            applied_by="somebody",
            duration_ms=None,
        )
        rows.append(Applied(row, entry, files, history.number(version)))
    ledger = Ledger(TableName("public", "schema_migrations"), exists=True)
    at = tuple(applied[-1:] if heads is None else heads)
    return Status(files, ledger, tuple(rows), at, **more)


def partial(**fields: Any) -> Partial:
    """Return 003, of whose two statements one has taken effect."""
    return _PARTIAL._replace(**fields)


def step(text: str, direction: Direction = Direction.UP) -> Step:
    """Return one direction of a file with this text, as 004."""
    file = read(text)
    return Step(
        version="004",
        filename="004_step.sql",
        checksum=file.checksum,
        direction=direction,
        section=file.up if direction is Direction.UP else file.down,
        header=file.header,
        place="sql/course/004_step.sql",
        drops=drops.lasting(file.down.statements),
    )
