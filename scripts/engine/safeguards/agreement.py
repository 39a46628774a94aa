"""What must hold for files, ledger and Alembic's version before anything runs."""

from __future__ import annotations

from scripts.engine.ledger.table import VERSION_TABLE
from scripts.engine.settings import DEFAULT_TABLE
from scripts.engine.status import Status
from scripts.errors import LedgerError, ServerError
from scripts.files.project import shown


def check_writable(state: Status) -> None:
    """Stop when the server is read-only.

    Raises:
        ServerError: with the reason.
    """
    if state.server.replication_role != "origin":
        raise ServerError(
            f"session_replication_role is {state.server.replication_role}",
            detail="triggers and foreign keys would not fire, so a migration would do something "
            "else than it says",
            state=f"nothing was changed; {state.name} is at {state.current}",
            hint="ALTER ROLE … RESET session_replication_role, or ALTER DATABASE … RESET",
        )
    if not state.server.read_only:
        return
    reason = (
        "it is a replica (in recovery)"
        if state.server.standby
        else "transaction_read_only is on: default_transaction_read_only may be set for the "
        "database or the role"
    )
    raise ServerError(
        "the server is read-only",
        detail=reason,
        state=f"nothing was changed; {state.name} is at {state.current}",
        hint=f"set {state.history.environment.url_setting()} to the writer's address",
    )


def check_agreement(state: Status) -> None:
    """Stop when Alembic's version and the ledger disagree.

    Raises:
        LedgerError: with both, and the command that fixes it.
    """
    check_ours(state)
    heads, current = state.alembic_heads, state.current
    if (not heads and current == "base") or heads == (current,):
        return
    alembic = ", ".join(heads) or "base"
    if not state.ledger.exists:
        raise LedgerError(
            f"Alembic's version is {alembic}, but there is no ledger {state.ledger.table}",
            detail="the ledger was dropped or renamed, or has another name",
            state="nothing was changed",
            hint=_lost(state),
        )
    raise LedgerError(
        "the ledger and Alembic's version disagree",
        detail=f"the ledger {state.ledger.table} is at {current}\n{VERSION_TABLE} is at {alembic}",
        state="nothing was changed",
        hint="find out which one is right, then make the other agree: "
        f"`alembic -n {state.name} stamp --purge {current}` trusts the ledger, "
        f"`… stamp --purge {alembic}` trusts Alembic",
    )


def check_ours(state: Status) -> None:
    """Stop when an earlier tool has written the ledger: no version of Alembic's is beside it.

    Raises:
        LedgerError: with the command that takes it over.
    """
    if state.applied and not (state.alembic_heads or state.ledger.has_checksums):
        raise LedgerError(
            f"the ledger {state.ledger.table} was written by an earlier tool",
            detail=f"it is at {state.current}, and {VERSION_TABLE} has no version",
            state="nothing was changed",
            hint=f"`python scripts/baseline.py --database {state.name}` takes it over",
        )


def _lost(state: Status) -> str:
    """Say how to restore a ledger that existed, as Alembic's version shows."""
    alembic = ", ".join(state.alembic_heads)
    # Without --purge, Alembic looks for the version that it is at among the files first.
    stamp = f"`alembic -n {state.name} stamp --purge {alembic}`"
    unknown = [one for one in state.alembic_heads if not _has_file(state, one)]
    if unknown:
        how = (
            f"{', '.join(unknown)} has no file here; in the release that has it, {stamp} writes "
            "the ledger from its files"
        )
    else:
        how = f"{stamp} writes the ledger from the files"
    return (
        f"{how}; if it has another name, set MIGRATION_TABLE; if the version belongs to another "
        "environment in the same schema, give this one its own schema: "
        f"MIGRATION_TABLE={state.name}.{DEFAULT_TABLE}"
    )


def _has_file(state: Status, version: str) -> bool:
    return version.isascii() and version.isdigit() and state.history.find(version) is not None


def check_upgrade(state: Status) -> None:
    """Stop when running the pending migrations could not lead to the state that the files describe.

    Raises:
        LedgerError: for a file that was renamed or changed after it was applied, or a pending
            migration below an applied one.
    """
    check_writable(state)
    check_history(state)


def check_history(state: Status) -> None:
    """Stop when what is applied is not what the files say; see `check_upgrade`.

    Raises:
        LedgerError: with the first reason.
    """
    check_agreement(state)
    if state.renamed:
        rows = [one.row for one in state.applied]
        from scripts.engine.ledger import renaming

        raise renaming.error(state.history.environment, state.renamed, state.history.entries, rows)
    if state.changed:
        raise _changed(state)
    highest = state.applied[-1] if state.applied else None
    late = [entry for entry in state.pending if highest and entry.number < highest.number]
    if highest and late:
        raise LedgerError(
            f"{late[0].filename} is not applied, but {highest.row.version} is",
            detail=f"applied last: {highest.row.filename}",
            state=f"nothing was changed; {state.name} is at {state.current}",
            hint=f"give {', '.join(entry.version for entry in late)} a number above "
            f"{highest.row.version}, in its SQL and its revision file",
        )


def _changed(state: Status) -> LedgerError:
    lines = []
    for applied in state.changed:
        if applied.entry:
            lines.append(shown(applied.entry.path))
        noted = applied.row.checksum or "no checksum was noted"
        lines.append(f"  applied: {noted} ({applied.row.applied_at:%Y-%m-%d %H:%M})")
        lines.append(f"  now:     {applied.file_checksum}")
    first = state.changed[0]
    path = shown(first.entry.path) if first.entry else first.row.filename
    return LedgerError(
        f"{_count(len(state.changed))} changed after being applied",
        detail="\n".join(lines),
        state=f"nothing was changed; {state.name} is at {state.current}",
        hint=f"`git log -p -- {path}` shows the change; restore the file, and put what is "
        "new into a new migration; if only comments were changed, `python scripts/repair.py`",
    )


def _count(files: int) -> str:
    return "a migration file was" if files == 1 else f"{files} migration files were"
