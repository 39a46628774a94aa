"""A file outside a transaction of which some statements took effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from scripts.engine.reported import Direction


class Partial(NamedTuple):
    """A file of which some statements took effect, and not all."""

    version: str
    direction: str
    filename: str
    checksum: str | None
    done: int
    """How many of its statements took effect, at least."""
    statements: int | None
    """How many it has; None where an older release wrote the log."""
    at: datetime
    line: int | None
    failed: bool
    """Whether the last run recorded why it ended; otherwise it was killed, or is still running."""
    unsure: bool
    """Whether a run of it was killed, so that its last statement may have taken effect."""
    reason: str | None
    rollback_sql: str | None
    """What undoes it: as the ledger would keep it."""
    existing: Mapping[str, str | None]
    """Identities ahead of the first run, by what people call the objects."""

    @property
    def is_up(self) -> bool:
        """Tell whether it is the UP that was cut short, and not the rollback."""
        return self.direction == Direction.UP.value

    @property
    def ending(self) -> str:
        """Say when and why it stopped."""
        when = f"{self.at.astimezone():%Y-%m-%d %H:%M:%S %z}"
        place = f", line {self.line}" if self.line else ""
        if not self.failed:
            return f"started {when}{place}, end not recorded: it was killed, or is still running"
        return f"failed {when}{place}, {self.reason or 'no reason was recorded'}"

    @property
    def progress(self) -> str:
        """Return how far it got: "1/2"."""
        return f"{self.done}/{self.statements or '?'}"


def of(row: tuple[Any, ...]) -> Partial:
    """Return what a row of the query in `unfinished` says."""
    return Partial(
        version=row[0],
        direction=row[1],
        filename=row[2],
        checksum=row[3],
        done=row[4],
        statements=row[5],
        at=row[6],
        line=row[7],
        failed=row[8],
        unsure=row[9],
        reason=row[10] or None,
        rollback_sql=row[11],
        existing=row[12] or {},
    )
