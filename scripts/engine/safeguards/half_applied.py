"""Rolls back a file of which some statements took effect, and which has no ledger row."""

from __future__ import annotations

from scripts.engine import reading
from scripts.engine.ledger.partial import Partial
from scripts.engine.objects.existing import Existing
from scripts.engine.reported import Direction
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import FormatError, LedgerError, RollbackError, UsageError
from scripts.files import history, migration_file, rollback
from scripts.files.project import shown
from scripts.files.rollback import Rollback
from scripts.sqltext import drops


def named(state: Status, version: int) -> Partial:
    """Return the half-applied file of a version, which was named to be rolled back.

    Raises:
        UsageError: when that version is not half applied.
    """
    found = state.half_applied
    if found is None or history.number(found.version) != version:
        raise UsageError(
            f"{version:03} is not half applied",
            detail=f"{found.version} is"
            if found
            else "no file is half applied, according to the event log",
            state="nothing was changed",
            hint="`python scripts/status.py` shows what is",
        )
    return found


def not_a_downgrade(state: Status, found: Partial) -> UsageError:
    """Return the error of another command that names a half-applied version."""
    return UsageError(
        "-x partial can only be used with downgrade",
        state="nothing was changed",
        hint=f"`alembic -n {state.name} -x partial={found.version} downgrade {state.current}`",
    )


def refuse(state: Status) -> None:
    """Refuse to roll anything back below a half-applied file.

    Raises:
        RollbackError: when there is such a file.
    """
    if state.half_applied:
        raise _in_the_way(state, state.half_applied)


def check_upgrade(state: Status) -> None:
    """Refuse to continue above a half-applied file that this checkout cannot complete.

    Raises:
        LedgerError: when the half-applied file is not here, or a migration is half rolled back.
    """
    for one in state.partial:
        if not one.is_up:
            raise LedgerError(
                f"the rollback of {one.filename} was cut short",
                detail=described(one),
                state=f"nothing was applied; {state.name} is at {one.version}, minus a part of it",
                hint=f"complete it: `python scripts/rollback.py --database {state.name}`; or, "
                "if somebody has done it by hand, or undone it: `python scripts/repair.py`",
            )
    found = state.half_applied
    entry = state.history.find(found.version) if found else None
    if found is None or (entry and entry.filename == found.filename):
        return
    other = f", and {entry.filename} has its number" if entry else ""
    raise LedgerError(
        f"{found.filename} is half applied, but not in this checkout{other}",
        detail=described(found),
        state=f"nothing was applied; {state.name} is at {state.current}, plus part of "
        f"{found.version}",
        hint=f"deploy the release that has it; or undo it: `python scripts/rollback.py "
        f"--database {state.name} --partial`, "
        f"`alembic -n {state.name} -x partial={found.version} downgrade {state.current}`",
    )


def check_none(state: Status) -> None:
    """Stop when a file was started and not completed.

    Raises:
        LedgerError: about the first such file.
    """
    for one in state.partial:
        is_up = one.is_up
        command = "python scripts/migrate.py" if is_up else "python scripts/rollback.py"
        raise LedgerError(
            f"{one.filename} is half {'applied' if is_up else 'rolled back'}",
            detail=described(one),
            hint=f"complete it: `{command} --database {state.name}`",
        )


def undo(state: Status, found: Partial, *, use_file: bool) -> Step:
    """Return what undoes a half-applied file: what the event log keeps, or the file's DOWN.

    Raises:
        RollbackError: when neither is there, or the file is declared irreversible.
    """
    down, place = _down(state, found, use_file=use_file)
    hint = "complete it with `python scripts/migrate.py`"
    reading.check_reversible(found.version, down.header, place, hint)
    return Step(
        version=found.version,
        filename=found.filename,
        checksum=found.checksum,
        direction=Direction.DOWN,
        section=down.down,
        header=down.header,
        place=place,
        drops=drops.lasting(down.down.statements),
        existed=_existed(found),
    )


def _existed(found: Partial) -> tuple[Existing, ...]:
    """Return which objects existed before the first run of the file."""
    return tuple(
        Existing(*Existing.split(shown), known)
        for shown, known in found.existing.items()
        if known is not None
    )


def _down(state: Status, found: Partial, *, use_file: bool) -> tuple[Rollback, str]:
    entry = state.history.find(found.version)
    if found.rollback_sql is not None and not use_file:
        place = f"rollback_sql of {found.version} in the event log"
        try:
            return rollback.parse(found.rollback_sql), place
        except FormatError as error:
            raise error.in_file(place) from error
    if entry is None:
        raise RollbackError(
            f"{found.filename} is not in this checkout, and the event log stores no DOWN of it",
            state=f"nothing was rolled back; {state.name} is at {state.current}",
            hint="deploy the release that has the file",
        )
    file = migration_file.read(entry.path)
    return Rollback(file.header, file.down), shown(entry.path)


def moves_too(state: Status, version: str) -> UsageError:
    """Return the error of a downgrade that would do more than to undo the half-applied file."""
    return UsageError(
        f"rolling back the half-applied {version} must leave the database at {state.current}",
        state="nothing was rolled back",
        hint=f"`alembic -n {state.name} -x partial={version} downgrade {state.current}`, and "
        "roll back further after it",
    )


def described(found: Partial) -> str:
    """Say how far a file got, and why it stopped: "1 of 2 statements …; failed …"."""
    count = found.statements or "its"
    return f"{found.done} of {count} statements took effect; {found.ending}"


def _in_the_way(state: Status, found: Partial) -> RollbackError:
    return RollbackError(
        f"{found.filename} is half applied, so nothing below it can be rolled back",
        detail=described(found),
        state=f"nothing was rolled back; {state.name} is at {state.current}, plus part of "
        f"{found.version}",
        hint=f"complete it: `python scripts/migrate.py --database {state.name}`; or undo it: "
        f"`python scripts/rollback.py --database {state.name} --partial`, "
        f"`alembic -n {state.name} -x partial={found.version} downgrade {state.current}`; or, if "
        "somebody has done either by hand: `python scripts/repair.py`",
    )
