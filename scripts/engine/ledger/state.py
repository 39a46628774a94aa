"""Files and ledger held against each other: what is applied, pending, ahead, changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.ledger import lookup
from scripts.engine.ledger.lookup import Server
from scripts.engine.ledger.table import VERSION_TABLE, Ledger, Row
from scripts.engine.session import signals
from scripts.engine.session.diagnosis import explained
from scripts.engine.settings import Settings
from scripts.errors import LedgerError, ServerError
from scripts.files import history, migration_file
from scripts.files.history import Entry, History
from scripts.files.project import shown


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that the database has."""

    row: Row
    entry: Entry | None
    """Its file in this checkout; None when the database is ahead of it."""
    file_checksum: str | None

    @property
    def changed(self) -> bool:
        """Tell whether the file is another than the one that was applied."""
        return self.file_checksum is not None and self.file_checksum != self.row.checksum

    @property
    def number(self) -> int:
        """Return the version as a number."""
        return history.number(self.row.version)


@dataclass(frozen=True)
class State:
    """One environment: its files and its database, as they are now."""

    history: History
    ledger: Ledger
    applied: tuple[Applied, ...]
    """By version, the oldest first."""
    alembic_heads: tuple[str, ...]
    server: Server = field(default_factory=Server)

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.history.environment.name

    @cached_property
    def pending(self) -> tuple[Entry, ...]:
        """Return the migrations that have a file and no row, the next one first."""
        numbers = {applied.number for applied in self.applied}
        return tuple(entry for entry in self.history.entries if entry.number not in numbers)

    @property
    def ahead(self) -> tuple[Applied, ...]:
        """Return the applied migrations that have no file here: a newer release applied them."""
        return tuple(applied for applied in self.applied if applied.entry is None)

    @property
    def changed(self) -> tuple[Applied, ...]:
        """Return the applied migrations whose file is another one now."""
        return tuple(applied for applied in self.applied if applied.changed)

    @property
    def current(self) -> str:
        """Return the version that the database is at, "base" when nothing is applied."""
        return self.applied[-1].row.version if self.applied else "base"

    @cached_property
    def _by_number(self) -> dict[int, Applied]:
        return {applied.number: applied for applied in self.applied}

    def find(self, version: str) -> Applied | None:
        """Return the applied migration of that version, compared as a number."""
        return self._by_number.get(history.number(version))

    def below(self, version: str) -> str:
        """Return the version applied before another one, "base" when there is none."""
        wanted = history.number(version)
        lower = [applied.row.version for applied in self.applied if applied.number < wanted]
        return lower[-1] if lower else "base"


def read(connection: Connection, settings: Settings, entries: History) -> State:
    """Read the ledger and hold the files against it; read-only.

    Raises:
        LedgerError: when the ledger can't be read as one.
    """
    try:
        return _read(connection, settings, entries)
    except (psycopg2.Error, ValueError) as error:
        signals.check()
        raise LedgerError(
            f"{settings.environment.name}: the ledger can't be read",
            detail=explained(error) if isinstance(error, psycopg2.Error) else str(error),
            state="nothing was changed",
            way_out="python scripts/status.py shows whether it can be read now",
        ) from error


def _read(connection: Connection, settings: Settings, entries: History) -> State:
    found = lookup.find(connection, settings.ledger)
    rows = sorted(lookup.rows(connection, found), key=lambda row: _number(found, row))
    applied = (_applied(row, entries.by_number.get(_number(found, row))) for row in rows)
    heads = lookup.alembic_heads(connection, found)
    return State(entries, found, tuple(applied), heads, lookup.server(connection))


def _applied(row: Row, entry: Entry | None) -> Applied:
    checksum = migration_file.checksum(entry.path.read_bytes()) if entry else None
    return Applied(row, entry, checksum)


def _number(found: Ledger, row: Row) -> int:
    digits = row.version.isascii() and row.version.isdigit()
    if not digits or len(row.version) > history.VERSION_LIMIT:
        raise LedgerError(
            f"the ledger {found.table} has a version {row.version[:40]!r}, which is no number",
            state="nothing was changed",
            way_out="set MIGRATION_TABLE to another name if the table belongs to another tool",
        )
    return int(row.version)


def check_writable(state: State) -> None:
    """Stop when the server takes no changes.

    Raises:
        ServerError: with the reason.
    """
    if not state.server.read_only:
        return
    reason = (
        "it is a replica: it is in recovery, and takes its data from another server"
        if state.server.standby
        else "transaction_read_only is on: default_transaction_read_only may be set for the "
        "database or the role"
    )
    raise ServerError(
        f"{state.name}: this server is read-only",
        detail=reason,
        state=f"nothing was changed; {state.name} is at {state.current}",
        way_out=f"set {state.history.environment.url_setting()} to the writer's address",
    )


def check_agreement(state: State) -> None:
    """Stop when Alembic's version and the ledger tell two stories.

    Raises:
        LedgerError: with both, and the command that mends it.
    """
    heads, current = state.alembic_heads, state.current
    if (not heads and current == "base") or heads == (current,):
        return
    alembic = ", ".join(heads) or "base"
    if not state.ledger.exists:
        raise LedgerError(
            f"{state.name}: Alembic's version is {alembic}, and there is no ledger "
            f"{state.ledger.table}",
            state="nothing was changed",
            way_out=f"`alembic -n {state.name} stamp {alembic}` writes the ledger from the files; "
            "if it is kept under another name, set MIGRATION_TABLE",
        )
    raise LedgerError(
        f"{state.name}: the ledger and Alembic's version disagree",
        detail=f"the ledger {state.ledger.table} is at {current}\n{VERSION_TABLE} is at {alembic}",
        state="nothing was changed",
        way_out="find out which one is right, then write both from it: "
        f"`alembic -n {state.name} stamp --purge {current}` trusts the ledger, "
        f"`… stamp --purge {alembic}` trusts Alembic",
    )


def check_upgrade(state: State) -> None:
    """Stop when running the pending migrations could not end in what the files say.

    Raises:
        LedgerError: for a file that changed after it was applied, or a pending migration below an
            applied one.
    """
    check_writable(state)
    check_agreement(state)
    if state.changed:
        raise _changed(state)
    highest = state.applied[-1] if state.applied else None
    late = [entry for entry in state.pending if highest and entry.number < highest.number]
    if highest and late:
        raise LedgerError(
            f"{state.name}: {late[0].filename} is not applied, and {highest.row.version} is",
            detail=f"applied last: {highest.row.filename}",
            state=f"nothing was changed; {state.name} is at {state.current}",
            way_out=f"give {', '.join(entry.version for entry in late)} a number above "
            f"{highest.row.version}, in its SQL and its revision file",
        )


def _changed(state: State) -> LedgerError:
    lines = []
    for applied in state.changed:
        if applied.entry:
            lines.append(shown(applied.entry.path))
        lines.append(f"  applied: {applied.row.checksum} ({applied.row.applied_at:%Y-%m-%d %H:%M})")
        lines.append(f"  now:     {applied.file_checksum}")
    first = state.changed[0]
    path = shown(first.entry.path) if first.entry else first.row.filename
    return LedgerError(
        f"{state.name}: {_count(len(state.changed))} changed after being applied",
        detail="\n".join(lines),
        state=f"nothing was changed; {state.name} is at {state.current}",
        way_out=f"`git log -p -- {path}` shows the change; restore the file, and put what is "
        "new into a new migration",
    )


def _count(files: int) -> str:
    return "a migration file was" if files == 1 else f"{files} migration files were"
