"""Errors of a run against a database."""

from __future__ import annotations

import signal

from scripts.errors.base import MigrationError


class LedgerError(MigrationError):
    """The ledger does not fit the files or Alembic's version."""


class LockError(MigrationError):
    """Another run has the lock of this database, or this run has lost it.

    Args:
        what: as for every error.
        detail: as for every error.
        state: as for every error.
        hint: as for every error.
        ran: how many statements had been run, where it was lost in a file outside a transaction.
    """

    exit_code = 4

    def __init__(
        self,
        what: str,
        *,
        detail: str = "",
        state: str = "",
        hint: str = "",
        ran: int | None = None,
    ) -> None:
        """Keep how far a file got: the event log has a column for it."""
        super().__init__(what, detail=detail, state=state, hint=hint)
        self.ran = ran

    def within(self, ran: int) -> LockError:
        """Return the same error, for a file of which this many statements had been run."""
        return LockError(self.what, detail=self.detail, state=self.state, hint=self.hint, ran=ran)


class Interrupted(MigrationError):  # noqa: N818 - nothing is wrong with it
    """A signal ended the run at a safe point.

    Args:
        number: the signal's.
        where: the file and line of the statement that was cancelled, if any.
        detail: what the server said.
        ran: how many statements of the section had been run.
        state: as for every error.
    """

    def __init__(
        self, number: int, *, where: str = "", detail: str = "", ran: int = 0, state: str = ""
    ) -> None:
        """Exit as shells expect of a program that was ended by a signal."""
        super().__init__(
            f"interrupted by {signal.Signals(number).name}",
            where=where,
            detail=detail,
            state=state,
            hint="run the command again: it continues where this one stopped",
        )
        self.exit_code = 128 + number
        self.ran = ran

    def at(self, where: str, ran: int) -> Interrupted:
        """Return the same error, for a statement: its place, and how many ran before it."""
        return Interrupted(
            self.exit_code - 128, where=self.where or where, detail=self.detail, ran=ran
        )

    def of_check(self) -> Interrupted:
        """Return the same error, for a command that changes nothing, and begins anew next time."""
        error = Interrupted(self.exit_code - 128)
        error.hint = "run the command again: it begins anew"
        return error


class StatementError(MigrationError):
    """PostgreSQL refused a statement.

    Args:
        what: as for every error.
        place: where the SQL stands: a path, or the ledger's row.
        line: the line in it.
        detail: the server's message with its SQLSTATE, and the statement.
        ran: how many statements of the section had been run before it.
        sqlstate: the server's code for it, "" where it gave none.
        lost: whether the connection was lost, so that the statement's outcome is unknown.
        hint: as for every error.
        tries: how many times it was run, after lock timeouts or deadlocks.
        source: as for every error.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        what: str,
        *,
        place: str,
        line: int,
        detail: str,
        ran: int,
        sqlstate: str = "",
        lost: bool = False,
        hint: str = "",
        tries: int = 1,
        source: str = "",
    ) -> None:
        """Keep the facts apart: the event log has a column for each."""
        super().__init__(what, where=f"{place}:{line}", source=source, detail=detail, hint=hint)
        self.place = place
        self.line = line
        self.ran = ran
        self.sqlstate = sqlstate
        self.lost = lost
        self.tries = tries

    def fields(self) -> dict[str, object]:
        """Return what programs read of it."""
        name = self.place.rpartition("/")[2]
        is_file = name.endswith(".sql")
        return super().fields() | {
            "version": name.partition("_")[0] if is_file else None,
            "filename": name if is_file else None,
            "line": self.line,
            "sqlstate": self.sqlstate or None,
        }

    def given_up(self, tries: int, reason: str, hint: str) -> StatementError:
        """Return the same error, after this many attempts for that reason."""
        more = [f"tried {tries} times: {reason}"] if tries > 1 else []
        return StatementError(
            self.what,
            place=self.place,
            line=self.line,
            detail="\n".join([*([self.detail] if self.detail else []), *more]),
            ran=self.ran,
            sqlstate=self.sqlstate,
            lost=self.lost,
            hint=hint,
            tries=tries,
            source=self.source,
        )


class RollbackError(MigrationError):
    """A migration that cannot be rolled back."""


class ServerError(MigrationError):
    """A server cannot be reached, or the embedded one cannot be started."""
