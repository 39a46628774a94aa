"""Reads what a step will run, from files and ledger; checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable

from scripts.engine import disclosure
from scripts.engine.ledger.table import Record, fingerprint
from scripts.engine.reported import Direction
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import FormatError, HistoryError, LedgerError, RollbackError
from scripts.files import migration_file, rollback
from scripts.files.header import Header
from scripts.files.history import Entry
from scripts.files.migration_file import MigrationFile, Section
from scripts.files.project import shown, shown_file
from scripts.files.rollback import Rollback
from scripts.sqltext import drops

Stored = Callable[[str], str | None]
"""Reads the rollback SQL that the ledger keeps for a version."""


def upgrade(state: Status, version: str) -> tuple[Step, Record]:
    """Read the UP of a version, and what the ledger will store of it.

    Raises:
        FormatError: when the file is not in the format, or has prose where a rollback has SQL.
        HistoryError: when the version has no migration file.
    """
    entry = _entry(state, version)
    file = migration_file.read_pending(entry.path)
    earlier = state.begun(entry.version, Direction.UP.value)
    work = Step(
        version=entry.version,
        filename=entry.filename,
        checksum=file.checksum,
        direction=Direction.UP,
        section=file.up,
        header=file.header,
        place=shown_file(entry.folder, entry.filename),
        drops=drops.lasting(file.down.statements),
        rollback_sql=None if file.header.transactional else file.rollback_sql,
        done_before=earlier.done if earlier else 0,
        existing_before=earlier.existing if earlier else None,
    )
    return work, _record(entry, file)


def applied(state: Status, version: str) -> Record:
    """Read what a stamp stores in the ledger for a version that was applied by other means.

    Raises:
        FormatError: when the file is not in the format.
        HistoryError: when the version has no migration file.
    """
    entry = _entry(state, version)
    return _record(entry, migration_file.read(entry.path, released=True))


def _entry(state: Status, version: str) -> Entry:
    entry = state.history.find(version)
    if entry is None:
        raise HistoryError(
            f"version {version} has no migration file in this checkout",
            hint="restore the file, or deploy the release that has it",
        )
    return entry


def _record(entry: Entry, file: MigrationFile) -> Record:
    return Record(
        version=entry.version,
        filename=entry.filename,
        checksum=file.checksum,
        rollback_sql=file.rollback_sql,
        description=file.header.description,
    )


def downgrade(state: Status, version: str, stored: Stored | None) -> Step:
    """Read what undoes a version from the ledger, which stores the SQL that belongs to it.

    Args:
        state: the files and the ledger's rows.
        version: what is to be undone.
        stored: reads the ledger; None takes the file's DOWN instead.

    Raises:
        RollbackError: when there is nothing to run, or the migration is declared irreversible.
        LedgerError: when the ledger's SQL was changed since it was stored.
        FormatError: when the SQL cannot be split into statements.
    """
    text = stored(version) if stored else None
    undo, place = (
        _from_file(state, version) if stored is None else _from_ledger(state, version, text)
    )
    if text is not None:
        _check_same(state, version, undo, text, place)
    hint = "write a new migration that corrects the problem, or restore a backup"
    check_reversible(version, undo.header, place, hint)
    earlier = state.begun(version, Direction.DOWN.value)
    applied, entry = state.find(version), state.history.find(version)
    filename = applied.row.filename if applied else entry.filename if entry else version
    return Step(
        version=version,
        filename=filename,
        checksum=applied.row.checksum if applied else None,
        direction=Direction.DOWN,
        section=undo.down,
        header=undo.header,
        place=place,
        drops=drops.lasting(undo.down.statements),
        rollback_checksum=None if text is None else fingerprint(text),
        done_before=earlier.done if earlier else 0,
    )


def check_reversible(version: str, header: Header, place: str, hint: str) -> None:
    """Refuse to roll back what is declared irreversible.

    Args:
        version: the migration's.
        header: the header of its file, or the stored one.
        place: where the header is.
        hint: what can be done instead.

    Raises:
        RollbackError: with the reason given in the header.
    """
    if header.irreversible is not None:
        raise RollbackError(
            f"{version} is declared irreversible: {header.irreversible}", where=place, hint=hint
        )


def _from_file(state: Status, version: str) -> tuple[Rollback, str]:
    entry = state.history.find(version)
    if entry is None:
        raise RollbackError(
            f"the file of {version} is not in this checkout",
            hint="roll back with the SQL that the ledger stores: leave out --use-file and --sql",
        )
    file = migration_file.read(entry.path, released=True)
    return Rollback(file.header, file.down), shown(entry.path)


def _from_ledger(state: Status, version: str, text: str | None) -> tuple[Rollback, str]:
    place = f"rollback_sql of {version} in {state.ledger.table}"
    if text is None:
        raise RollbackError(
            f"the ledger stores no rollback SQL for {version}",
            hint=f"`python scripts/rollback.py --database {state.name} --use-file` runs the "
            "file's DOWN",
        )
    try:
        undo = rollback.parse(text)
    except FormatError as error:
        raise error.in_file(place) from error
    return undo, place


def _check_same(state: Status, version: str, undo: Rollback, text: str, place: str) -> None:
    """A row can be rewritten together with its checksum; the applied file reveals it."""
    applied, entry = state.find(version), state.history.find(version)
    if applied is None or entry is None or applied.file_checksum != applied.row.checksum:
        return
    if rollback.is_plainly_of(migration_file.read_text(entry.path), text, undo):
        return
    file = migration_file.read(entry.path, released=True)
    if file.header.directives() == undo.header.directives() and _texts(file.down) == _texts(
        undo.down
    ):
        return
    raise LedgerError(
        f"the stored rollback SQL of {version} differs from its file",
        where=place,
        detail=f"{entry.filename} is unchanged since it was applied\n"
        f"stored: {_first_line(undo)}\nfile:   {_first_line(Rollback(file.header, file.down))}",
        hint="find out who changed the ledger; `python scripts/rollback.py --use-file` shows "
        "both, and runs the file's DOWN",
    )


def _texts(section: Section) -> list[str]:
    return [one.text[one.body :].rstrip().removesuffix(";") for one in section.statements]


def _first_line(undo: Rollback) -> str:
    """Summarise a rollback in one line."""
    directives = " ".join(undo.header.directives().split())
    statements = (
        " ".join(disclosure.of_statement(one.sql, 60) for one in undo.down.statements) or "nothing"
    )
    return f"{directives} {statements}".strip()[:200]
