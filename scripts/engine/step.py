"""One step: a section with everything that is needed to run it and to report on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scripts.engine.objects import identity
from scripts.engine.objects.existing import Existing
from scripts.engine.objects.identity import Named
from scripts.engine.reported import Direction, StepResult
from scripts.errors import (
    Interrupted,
    LockError,
    StatementError,
    UsageError,
)
from scripts.files.header import Header
from scripts.files.migration_file import Section
from scripts.sqltext import concurrent_index
from scripts.sqltext.drops import Drop

CutShort = StatementError | Interrupted | LockError
"""What ends a section between two statements or at one; each knows how many have been run."""


class Step(NamedTuple):
    """One section with everything that is needed to run it and to report on it."""

    version: str
    filename: str
    checksum: str | None
    """The migration file's: as it is now, or as it was when it was applied."""
    direction: Direction
    section: Section
    header: Header
    place: str
    """Where the SQL stands: a path, or the ledger's row."""
    drops: tuple[Drop, ...]
    """What the migration's DOWN drops for good, whichever section this is."""
    rollback_sql: str | None = None
    """What the event log stores for a file that may end half applied; see `ledger.unfinished`."""
    rollback_checksum: str | None = None
    """Of the rollback SQL that the ledger stores, where that is what runs."""
    done_before: int = 0
    """How many of its statements earlier runs had done that were cut short."""

    existed: tuple[Existing, ...] = ()
    """What existed before a half-applied file, for its rollback: it has no ledger row."""
    existing_before: Mapping[str, str | None] | None = None
    """Identities ahead of the first of those runs; None where there was none."""

    def result(self, environment: str, duration_ms: int) -> StepResult:
        """Return what an observer is told when it is done."""
        return StepResult(
            environment=environment,
            version=self.version,
            filename=self.filename,
            direction=self.direction,
            statements=len(self.section.statements),
            duration_ms=duration_ms,
        )

    @property
    def looked_up(self) -> tuple[Named, ...]:
        """Return what is looked up before and after UP: objects that existed before are stored."""
        return identity.named(self.drops) if self.direction is Direction.UP else ()


def check_transaction(step: Step, *, in_caller_transaction: bool) -> None:
    """Refuse a file outside a transaction if the caller has begun one on the connection.

    Raises:
        UsageError: before anything is run.
    """
    if in_caller_transaction and not step.header.transactional:
        raise UsageError(
            f"{step.filename} runs outside a transaction, but the given connection is in one",
            where=step.place,
            state="nothing was changed",
            hint="give an engine, or a connection without an open transaction",
        )


def effect(
    step: Step,
    error: CutShort | None = None,
    *,
    in_caller_transaction: bool = False,
) -> str:
    """Say what happens to a section's statements when the step fails.

    Args:
        step: the section.
        error: what a statement failed with, or what kept it from being run; None where all have
            run, and something fails after.
        in_caller_transaction: whether the transaction belongs to the caller.
    """
    if in_caller_transaction:
        return "failed in the caller's transaction, which the caller must roll back"
    if step.header.transactional:
        down = step.direction is Direction.DOWN
        return "the rollback failed and was undone" if down else "rolled back"
    count = len(step.section.statements)
    said = "NOT rolled back, the file runs outside a transaction: "
    if error is None:
        return f"{said}all of its statements took effect, but the ledger does not list it"
    done = max(error.ran or 0, step.done_before)
    said += f"{done} of its {count} {'statement' if count == 1 else 'statements'} took effect"
    if step.done_before > (error.ran or 0):
        said += f", {step.done_before} of them in an earlier run"
    return said if isinstance(error, LockError) else said + _left_by(step, error)


def _left_by(step: Step, error: StatementError | Interrupted) -> str:
    """Say what the statement that failed may have left."""
    if isinstance(error, StatementError) and error.lost:
        return ", and it is unknown whether the one that was running did"
    statement = next(iter(step.section.statements[error.ran :]), None)
    if statement and statement.command in ("DO", "CALL"):
        return ", and whatever the failed one committed itself"
    if statement and concurrent_index.of(statement):
        return "; an INVALID index that the failed one left was dropped, or is named above"
    return ""
