"""Compares files and ledger: what is applied, pending, ahead, changed."""

from __future__ import annotations

import bisect
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.engine.ledger import lookup, server, unfinished
from scripts.engine.ledger.server import UNKNOWN, Server
from scripts.engine.ledger.table import Ledger, Row
from scripts.engine.session import signals
from scripts.engine.settings import Settings
from scripts.errors import LedgerError
from scripts.files import history
from scripts.files.history import Entry, History

if TYPE_CHECKING:
    from scripts.engine.ledger.partial import Partial
    from scripts.engine.ledger.renaming import Renamed

_BY_NUMBER = attrgetter("number")


class Applied(NamedTuple):
    """A migration that the database has."""

    row: Row
    entry: Entry | None
    """Its file in this checkout; None when the database is ahead of it."""
    files: History
    """All files of the checkout: they keep the checksums that are asked for."""
    number: int
    """The version as a number."""

    @property
    def file_checksum(self) -> str | None:
        """Return the checksum that the file has now."""
        return self.files.checksum(self.entry) if self.entry else None

    @property
    def changed(self) -> bool:
        """Tell whether the file differs from the one that was applied."""
        return self.entry is not None and self.files.checksum(self.entry) != self.row.checksum


class Status:
    """One environment: its files and its database, as they are now."""

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        history: History,
        ledger: Ledger,
        applied: tuple[Applied, ...],
        alembic_heads: tuple[str, ...],
        server: Server = UNKNOWN,
        *,
        partial: tuple[Partial, ...] = (),
        log_tells: bool = True,
        remarks: tuple[str, ...] = (),
    ) -> None:
        """Keep what `read` has found."""
        self.history = history
        self.ledger = ledger
        self.applied = applied
        """By version, the oldest first."""
        self.alembic_heads = alembic_heads
        self.server = server
        self.partial = tuple(
            one for one in partial if (self.find(one.version) is None) is (one.direction == "up")
        )
        """Files outside a transaction that were started and not completed, by the event log.

        What a script has completed since is left out: such a run writes no event log.
        """
        self.log_tells = log_tells
        """Whether there is an event log that records them."""
        self.remarks = remarks
        """A warning about the ledger's place; see `elsewhere.check`."""

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.history.environment.name

    @cached_property
    def pending(self) -> tuple[Entry, ...]:
        """Return the migrations that have a file and no row, the next one first."""
        numbers = {applied.number for applied in self.applied}
        return tuple(entry for entry in self.history.entries if entry.number not in numbers)

    @cached_property
    def ahead(self) -> tuple[Applied, ...]:
        """Return the applied migrations that have no file here: a newer release applied them."""
        return tuple(applied for applied in self.applied if applied.entry is None)

    @cached_property
    def changed(self) -> tuple[Applied, ...]:
        """Return the applied migrations whose file is another one now."""
        return tuple(applied for applied in self.applied if applied.changed)

    @cached_property
    def renamed(self) -> tuple[Renamed, ...]:
        """Return the applied migrations whose text another file has now, one that was not run.

        A file that kept its name and has another text was changed, whoever else has the old one.
        """
        gone = [one.row for one in self.ahead]
        rows = gone + [
            one.row for one in self.changed if one.entry and one.entry.filename != one.row.filename
        ]
        if not rows:
            return ()
        from scripts.engine.ledger import renaming

        files = [one.entry for one in self.changed if one.entry]
        return tuple(renaming.find(rows, [*self.pending, *files]))

    @property
    def current(self) -> str:
        """Return the version that the database is at, "base" when nothing is applied."""
        return self.applied[-1].row.version if self.applied else "base"

    def find(self, version: str) -> Applied | None:
        """Return the applied migration of that version, compared as a number."""
        number = history.number(version)
        position = bisect.bisect_left(self.applied, number, key=_BY_NUMBER)
        found = self.applied[position] if position < len(self.applied) else None
        return found if found and found.number == number else None

    @property
    def half_applied(self) -> Partial | None:
        """Return the file that was started and not completed, which comes next or is not here."""
        up = [one for one in self.partial if one.direction == "up"]
        return next((one for one in up if self.find(one.version) is None), None)

    def begun(self, version: str, direction: str) -> Partial | None:
        """Return which part of a section earlier, interrupted runs have done."""
        found = (
            one for one in self.partial if (one.version, one.direction) == (version, direction)
        )
        return next(found, None)

    def below(self, version: str) -> str:
        """Return the version applied before another one, "base" when there is none."""
        position = bisect.bisect_left(self.applied, history.number(version), key=_BY_NUMBER)
        return self.applied[position - 1].row.version if position else "base"


def read(
    connection: Connection, settings: Settings, entries: History, *, takes_over: bool = False
) -> Status:
    """Read the ledger and compare the files with it; read-only.

    Args:
        connection: in a transaction.
        settings: whose ledger.
        entries: the files.
        takes_over: see `lookup.find`.

    Raises:
        LedgerError: when the ledger cannot be read, or is elsewhere.
    """
    try:
        return _read(connection, settings, entries, takes_over=takes_over)
    except (psycopg2.Error, ValueError) as error:
        signals.check()
        is_refused = isinstance(error, psycopg2.errors.InsufficientPrivilege)
        raise LedgerError(
            "cannot read the ledger",
            detail=disclosure.of_exception(error),
            state="nothing was changed",
            hint="GRANT SELECT to the login, on the ledger, its event log and alembic_version"
            if is_refused
            else "run the command again",
        ) from error


def _read(
    connection: Connection, settings: Settings, entries: History, *, takes_over: bool
) -> Status:
    found = lookup.find(connection, settings.ledger, takes_over=takes_over)
    rows, heads = lookup.contents(connection, found)
    if takes_over and rows and not heads and not found.has_checksums:
        # Its columns are ours, as those of the scripts that our first release came after.
        rows, found = [], found._replace(exists=False, columns=frozenset())
    remarks = () if rows else _elsewhere(connection, found, entries)
    files = entries.by_number
    applied = [
        Applied(row, files.get(number), entries, number)
        for row, number in ((row, _number(found, row)) for row in rows)
    ]
    applied.sort(key=_BY_NUMBER)
    begun = unfinished.read(connection, found) if found.exists else ()
    return Status(
        entries,
        found,
        tuple(applied),
        heads,
        server.ask(connection),
        partial=begun or (),
        log_tells=begun is not None,
        remarks=remarks,
    )


def _elsewhere(connection: Connection, found: Ledger, entries: History) -> tuple[str, ...]:
    """Look whether the ledger is elsewhere: an empty one is what a first run leaves that failed.

    One that has rows is the ledger, and no other table is of interest.
    """
    from scripts.engine.ledger import elsewhere

    return elsewhere.check(connection, found, entries)


def _number(found: Ledger, row: Row) -> int:
    digits = row.version.isascii() and row.version.isdigit()
    if not digits or len(row.version) > history.VERSION_LIMIT:
        raise LedgerError(
            f"the ledger {found.table} has a version {row.version[:40]!r}, which is not a number",
            state="nothing was changed",
            hint="set MIGRATION_TABLE to another name if the table belongs to another tool",
        )
    return int(row.version)
