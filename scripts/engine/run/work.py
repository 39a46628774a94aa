"""What one step is going to run, read and checked before anything is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scripts.engine.ledger.state import State
from scripts.engine.ledger.table import Record
from scripts.engine.observer import Direction
from scripts.errors import (
    FormatError,
    HistoryError,
    Interrupted,
    LedgerError,
    RollbackError,
    StatementError,
    UsageError,
)
from scripts.files import concurrent_index, migration_file, rollback
from scripts.files.header import Header
from scripts.files.migration_file import Section
from scripts.files.project import shown
from scripts.files.rollback import Rollback

Stored = Callable[[str], str | None]
"""Reads the rollback SQL that the ledger keeps for a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One section with all that is needed to run it and to speak of it."""

    version: str
    filename: str
    checksum: str | None
    """The migration file's: as it is now, or as it was when it was applied."""
    direction: Direction
    section: Section
    header: Header
    place: str
    """Where the SQL stands: a path, or the ledger's row."""


def upgrade(state: State, version: str) -> tuple[Work, Record]:
    """Read the UP of a version, and what the ledger will keep of it.

    Raises:
        FormatError: when the file is not in the format.
        HistoryError: when the version has no migration file.
    """
    entry = state.history.find(version)
    if entry is None:
        raise HistoryError(
            f"{state.name}: version {version} has no migration file in this checkout",
            state=f"nothing was changed; {state.name} is at {state.current}",
            way_out="restore the file, or deploy the release that has it",
        )
    file = migration_file.read(entry.path)
    record = Record(
        version=entry.version,
        filename=entry.filename,
        checksum=file.checksum,
        rollback_sql=file.rollback_sql,
        description=file.header.description,
    )
    work = Work(
        version=entry.version,
        filename=entry.filename,
        checksum=file.checksum,
        direction=Direction.UP,
        section=file.up,
        header=file.header,
        place=shown(entry.path),
    )
    return work, record


def downgrade(state: State, version: str, stored: Stored | None) -> Work:
    """Read what undoes a version: from the ledger, for that belongs to what was applied.

    Args:
        state: the files and the ledger's rows.
        version: what is to be undone.
        stored: reads the ledger; None takes the file's DOWN instead.

    Raises:
        RollbackError: when there is nothing to run, or the migration is declared irreversible.
        LedgerError: when the ledger's SQL is not what was stored.
        FormatError: when the SQL can't be split into statements.
    """
    undo, place = (
        _from_file(state, version) if stored is None else _from_ledger(state, version, stored)
    )
    if undo.header.irreversible is not None:
        raise RollbackError(
            f"{state.name}: {version} is declared irreversible: {undo.header.irreversible}",
            where=place,
            state=f"nothing was rolled back; {state.name} is at {state.current}",
            way_out="write a new migration that mends what is wrong, or restore a backup",
        )
    applied, entry = state.find(version), state.history.find(version)
    filename = applied.row.filename if applied else entry.filename if entry else version
    return Work(
        version=version,
        filename=filename,
        checksum=applied.row.checksum if applied else None,
        direction=Direction.DOWN,
        section=undo.down,
        header=undo.header,
        place=place,
    )


def check_joined(work: Work, *, joined: bool) -> None:
    """Refuse what needs no transaction where whoever gave the connection has begun one.

    Raises:
        UsageError: before anything is run.
    """
    if joined and not work.header.transactional:
        raise UsageError(
            f"{work.filename} runs outside a transaction, and the connection given is in one",
            where=work.place,
            state="nothing was changed",
            way_out="give an engine, or a connection without an open transaction",
        )


def effect(
    work: Work, error: StatementError | Interrupted | None = None, *, joined: bool = False
) -> str:
    """Say what becomes of a section's statements when the step fails.

    Args:
        work: the section.
        error: what a statement failed with; None where all have run, and something fails after.
        joined: whether the transaction is that of whoever gave the connection.
    """
    if joined:
        return "failed in the transaction of the caller, who has to roll it back"
    if work.header.transactional:
        return "rolled back"
    count = len(work.section.statements)
    said = "NOT rolled back, the file runs outside a transaction: "
    if error is None:
        return f"{said}all of its statements have taken effect, and the ledger lacks it"
    said += f"{error.ran} of its {count} statements have taken effect"
    return said + _left_by(work, error)


def _left_by(work: Work, error: StatementError | Interrupted) -> str:
    """Say what the statement that failed may have left."""
    if isinstance(error, StatementError) and error.lost:
        return ", and of the one that was running nobody knows"
    statement = next(iter(work.section.statements[error.ran :]), None)
    if statement and statement.command in ("DO", "CALL"):
        return ", and what the one that failed had committed by itself"
    if statement and concurrent_index.of(statement):
        return "; the one that failed may have left an INVALID index, which a new run drops"
    return ""


def _from_file(state: State, version: str) -> tuple[Rollback, str]:
    entry = state.history.find(version)
    if entry is None:
        raise RollbackError(
            f"{state.name}: the file of {version} is not in this checkout",
            state=f"nothing was rolled back; {state.name} is at {state.current}",
            way_out="roll back with what the ledger keeps: leave --use-file and --sql out",
        )
    file = migration_file.read(entry.path)
    return Rollback(file.header, file.down), shown(entry.path)


def _from_ledger(state: State, version: str, stored: Stored) -> tuple[Rollback, str]:
    place = f"rollback_sql of {version} in {state.ledger.table}"
    text = stored(version)
    if text is None:
        raise RollbackError(
            f"{state.name}: the ledger keeps no rollback SQL for {version}",
            state=f"nothing was rolled back; {state.name} is at {state.current}",
            way_out=f"`python scripts/rollback.py --database {state.name} --use-file` runs the "
            "file's DOWN",
        )
    try:
        undo = rollback.parse(text)
    except FormatError as error:
        raise error.in_file(place) from error
    _check_same(state, version, undo, place)
    return undo, place


def _check_same(state: State, version: str, undo: Rollback, place: str) -> None:
    """A row can be rewritten together with its checksum; the file that was applied shows it."""
    applied, entry = state.find(version), state.history.find(version)
    if applied is None or entry is None or applied.file_checksum != applied.row.checksum:
        return
    file = migration_file.read(entry.path)
    if file.header.directives() == undo.header.directives() and _texts(file.down) == _texts(
        undo.down
    ):
        return
    raise LedgerError(
        f"{state.name}: the rollback SQL that the ledger keeps for {version} is not its file's",
        where=place,
        detail=f"{entry.filename} is unchanged since it was applied; they differ in\n"
        f"stored: {_first_line(undo)}\nfile:   {_first_line(Rollback(file.header, file.down))}",
        state=f"nothing was rolled back; {state.name} is at {state.current}",
        way_out="find out who changed the ledger; `python scripts/rollback.py --use-file` shows "
        "both, and runs the file's DOWN",
    )


def _texts(section: Section) -> list[str]:
    return [one.text[one.body :].rstrip().removesuffix(";") for one in section.statements]


def _first_line(undo: Rollback) -> str:
    """Name what a rollback does, in a line."""
    directives = " ".join(undo.header.directives().split())
    statements = " ".join(one.summary(60) for one in undo.down.statements) or "nothing"
    return f"{directives} {statements}".strip()[:200]
