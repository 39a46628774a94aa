"""Writes the event log. If it cannot be written, the run says so and continues."""

from __future__ import annotations

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.engine.ledger import event_table, origin
from scripts.engine.ledger.events import Event, Kind, RowTexts
from scripts.engine.ledger.table import GONE
from scripts.engine.session import database
from scripts.engine.session.database import Execute
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import (
    Interrupted,
    LedgerError,
    LockError,
    MigrationError,
    StatementError,
)

_LONGEST_ERROR = 4000
"""Characters of an error that are kept."""
_SAVEPOINT = "upskill_event"


class EventLog:
    """The event log of one run."""

    def __init__(self, run: RunConnection, status: Status, *, writes: bool) -> None:
        """Write as a run does, with its connection's quoting; report when writing fails.

        Args:
            run: its connection.
            status: whose log, and whether there is one yet.
            writes: whether there is anything to write: who runs is found out then.
        """
        self._ledger = status.ledger
        self._origin = origin.here(run.settings) if writes else origin.UNKNOWN
        self._connection = run.raw
        self._opening = database.opening(run.raw, run.settings)
        self._notify = run.notify
        self._works = not run.takes_back
        self._exists = status.ledger.exists and status.log_tells
        encoding = run.raw.info.parameter_status("server_encoding") or "UTF8"
        self._rows = RowTexts(status.ledger, self._origin, encoding)

    def prepare(self, execute: Execute, *first: Event) -> None:
        """Make the table what it has to be, and write the first rows, in the open transaction."""
        if not self._works:
            return
        columns = event_table.columns(self._connection, self._ledger)
        needed = (
            event_table.extension(self._ledger, columns)
            if columns
            else event_table.creation(self._ledger)
        )
        statements = [one.as_string(self._connection) for one in needed]
        if first:
            statements.append(self._rows.text(self._connection, first))
        if statements:
            self.guarded(execute, ";\n".join(statements))
        self._exists = True

    def guarded(self, execute: Execute, statements: str) -> None:
        """Run what writes the log in the open transaction, which continues even if that fails."""
        try:
            execute(f"SAVEPOINT {_SAVEPOINT}; {statements}")
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise  # the connection is gone
            execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
            self.lost(error)

    @property
    def run(self) -> str:
        """Return the name of the run."""
        return self._origin.run

    @property
    def works(self) -> bool:
        """Tell whether events are recorded: nothing has failed so far."""
        return self._works

    def require(self) -> None:
        """Stop if something could not be recorded that is kept nowhere else.

        Raises:
            LedgerError: before the transaction is committed.
        """
        if not self._works:
            raise LedgerError(
                "the event log cannot be written, which keeps what the ledger does not",
                state="nothing was changed",
                hint="GRANT INSERT on it to the login",
            )

    def rows(self, *happened: Event) -> str | None:
        """Return the statement that writes rows; None once the log has failed."""
        return self._rows.text(self._connection, happened) if self._works else None

    def append(self, execute: Execute, *happened: Event) -> None:
        """Write rows at once, on a connection in autocommit."""
        if self._works:
            try:
                # Several statements sent as one are one transaction.
                execute(self._opening + self._rows.text(self._connection, happened))
            except psycopg2.Error as error:
                self.lost(error, happened[0].filename)

    def append_apart(self, connection: Connection, *happened: Event) -> None:
        """Write rows on another connection than the run's, and commit there.

        Where no run has had anything to do yet, there is no table, and nothing to be written.
        """
        if not self._exists:
            return
        try:
            with connection.cursor() as cursor:
                # The run's own connection may be gone, and with it the quoting.
                cursor.execute(self._opening + self._rows.text(connection, happened))
            connection.commit()
        except psycopg2.Error as error:
            self.lost(error)

    def lost(self, error: psycopg2.Error, by: str | None = None) -> None:
        """Report that there is no log from here on.

        Args:
            error: what writing it failed with.
            by: the file that ran since the last write: it removed the log, if the log is gone.
        """
        self._works = False
        reason = disclosure.headline(error)
        if by and error.pgcode in GONE:
            reason = f"{by} dropped or renamed it, or another session did: {reason}"
        self._notify(f"cannot write the event log: {reason}")


def beginning(work: Step) -> Event:
    """Return the row that says that a section begins."""
    return Event(
        event=Kind.START,
        version=work.version,
        filename=work.filename,
        checksum=work.checksum,
        direction=work.direction.value,
        statements=None if work.header.transactional else len(work.section.statements),
        rollback_sql=work.rollback_sql,
    )


def failures(error: MigrationError, step: Event) -> list[Event]:
    """Return the rows that say why a run ended.

    Args:
        error: what ended it.
        step: the row of the step that it was at, or was about to begin, with its durations.
    """
    text = disclosure.of_text("\n".join(part for part in (error.what, error.detail) if part))
    failed = step._replace(event=Kind.FAILURE, error=text[:_LONGEST_ERROR])
    if isinstance(error, Interrupted) and error.where:
        return [failed._replace(statement=error.ran + 1)]
    if isinstance(error, LockError) and error.ran is not None:
        return [failed._replace(statement=error.ran + 1)]
    if not isinstance(error, StatementError):
        cause = getattr(error.__cause__, "orig", error.__cause__)
        return [failed._replace(sqlstate=getattr(cause, "pgcode", None))]
    failed = failed._replace(
        line=error.line, statement=error.ran + 1, sqlstate=error.sqlstate or None
    )
    return [failed._replace(event=Kind.GIVEN_UP), failed] if error.tries > 1 else [failed]
