"""Every error that this project raises on purpose, each with an exit code and a way out.

    MigrationError                exit 1: a migration or a check failed
    ├── FormatError               a migration file breaks the format
    ├── HistoryError              the files of an environment do not form one history
    ├── LedgerError               the ledger does not fit the files or Alembic's version
    ├── LockError                 exit 4: another run has the lock, or this one lost it
    ├── Interrupted               exit 130 or 143: Ctrl-C, SIGTERM
    ├── StatementError            PostgreSQL refused a statement
    ├── RollbackError             a migration that can't be rolled back
    ├── FileError                 a file can't be read or written
    ├── ServerError               a server can't be reached, or the embedded one not started
    └── UsageError                exit 2: wrong usage or configuration

One place turns them into standard error and an exit code (`console.entry` for the scripts,
`engine.runtime` for Alembic's own command line). Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import signal


class MigrationError(Exception):
    """What happened, where, why, what state things are in now, and the way out.

    Args:
        what: one sentence without a full stop, naming the environment or file it is about.
        where: a place such as `sql/course/004_add_x.sql:12`.
        detail: more lines: the reason, the server's message, both values that differ.
        state: what the database or the disk looks like now ("rolled back; course is at 003").
        way_out: what to do, with the command or setting to type.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, where: str = "", detail: str = "", state: str = "", way_out: str = ""
    ) -> None:
        """Keep the parts apart: the console prints them, JSON output carries them."""
        super().__init__(what)
        self.what = what
        self.environment = ""
        self.where = where
        self.detail = detail
        self.state = state
        self.way_out = way_out

    def complete(self, *, environment: str, state: str) -> None:
        """Add what only the whole run knows, where the error does not say it.

        Called in one place for each door, so that nothing below it rewrites an error.

        Args:
            environment: whose database it is about.
            state: how things stand now.
        """
        self.environment = self.environment or environment
        self.state = self.state or state
        if environment and not self.what.startswith(environment):
            self.what = f"{environment}: {self.what}"

    def parts(self) -> dict[str, str]:
        """Return the parts that are set, by name, in the order in which they are shown."""
        named = {
            "error": self.what,
            "at": self.where,
            "detail": self.detail,
            "state": self.state,
            "help": self.way_out,
        }
        return {name: text for name, text in named.items() if text}

    def __str__(self) -> str:
        """Lay the parts out as people see them: a name, then its text, indented below it."""
        width = 8
        lines = []
        for name, text in self.parts().items():
            first, *rest = (printable(line) for line in text.splitlines())
            lines.append(f"{name + ':':<{width}}{first}")
            lines.extend(f"{'':<{width}}{line}" for line in rest)
        return "\n".join(lines)


def printable(text: str) -> str:
    """Return a text on one line, with what would steer a terminal or forge a line made visible.

    A tab is blanks: libpq indents its advice with one, and people their SQL.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii")
        for one in text.expandtabs(4)
    )


class FormatError(MigrationError):
    """A migration file breaks the format.

    Args:
        what: as for every error.
        line: the line that shows it; the first is 1.
        path: the file as people name it; those who read text without knowing its file leave it out.
        way_out: as for every error.
        code: the check that names it: see `checks.rules`.
    """

    def __init__(
        self, what: str, *, line: int, path: str = "", way_out: str = "", code: str = "format"
    ) -> None:
        """Keep path and line apart: a finding of validate.py carries both."""
        where = f"{path}:{line}" if path else f"line {line}"
        super().__init__(what, where=where, way_out=way_out)
        self.line = line
        self.path = path
        self.code = code

    def in_file(self, path: str) -> FormatError:
        """Return the same error with its file named."""
        return FormatError(
            self.what, line=self.line, path=path, way_out=self.way_out, code=self.code
        )


class HistoryError(MigrationError):
    """The files of an environment do not form one history."""

    code = "file-name"
    """The check that names it: see `checks.rules`."""

    def coded(self, code: str) -> HistoryError:
        """Return the error with another check's name."""
        self.code = code
        return self


class LedgerError(MigrationError):
    """The ledger does not fit the files or Alembic's version."""


class LockError(MigrationError):
    """Another run has the lock of this database, or this run has lost it.

    Args:
        what: as for every error.
        detail: as for every error.
        state: as for every error.
        way_out: as for every error.
        ran: how many statements had been run, where it was lost in a file outside a transaction.
    """

    exit_code = 4

    def __init__(
        self,
        what: str,
        *,
        detail: str = "",
        state: str = "",
        way_out: str = "",
        ran: int | None = None,
    ) -> None:
        """Keep how far a file came apart: the event log has a column for it."""
        super().__init__(what, detail=detail, state=state, way_out=way_out)
        self.ran = ran

    def within(self, ran: int) -> LockError:
        """Return the same error, of a file of which so many statements had been run."""
        return LockError(
            self.what, detail=self.detail, state=self.state, way_out=self.way_out, ran=ran
        )


class Interrupted(MigrationError):  # noqa: N818 - nothing is wrong with it
    """A signal ended the run at a safe place.

    Args:
        number: the signal's.
        where: the file and line of the statement that was cancelled, if any.
        detail: what the server said.
        ran: how many statements of the section had been run.
    """

    def __init__(self, number: int, *, where: str = "", detail: str = "", ran: int = 0) -> None:
        """Exit as shells expect of a program that a signal has ended."""
        super().__init__(
            f"interrupted by {signal.Signals(number).name}",
            where=where,
            detail=detail,
            way_out="run the command again: it goes on from where this one stopped",
        )
        self.exit_code = 128 + number
        self.ran = ran

    def at(self, where: str, ran: int) -> Interrupted:
        """Return the same error, of a statement: where it stands, and how many ran before it."""
        return Interrupted(
            self.exit_code - 128, where=self.where or where, detail=self.detail, ran=ran
        )


class StatementError(MigrationError):
    """PostgreSQL refused a statement.

    Args:
        what: as for every error.
        place: where the SQL stands: a path, or the ledger's row.
        line: the line in it.
        detail: the server's message with its SQLSTATE, and the statement.
        ran: how many statements of the section had been run before it.
        sqlstate: the server's code for it, "" where it gave none.
        lost: whether the connection was lost, so that nobody knows what came of the statement.
        way_out: as for every error.
        tries: how many times it was run, when a lock or a deadlock was the reason.
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
        way_out: str = "",
        tries: int = 1,
    ) -> None:
        """Keep the facts apart: the event log has a column for each."""
        super().__init__(what, where=f"{place}:{line}", detail=detail, way_out=way_out)
        self.place = place
        self.line = line
        self.ran = ran
        self.sqlstate = sqlstate
        self.lost = lost
        self.tries = tries

    def given_up(self, tries: int, reason: str, way_out: str) -> StatementError:
        """Return the same error, after so many tries for that reason."""
        more = f"\ntried {tries} times: {reason}" if tries > 1 else ""
        return StatementError(
            self.what,
            place=self.place,
            line=self.line,
            detail=self.detail + more,
            ran=self.ran,
            sqlstate=self.sqlstate,
            lost=self.lost,
            way_out=way_out,
            tries=tries,
        )


class RollbackError(MigrationError):
    """A migration that can't be rolled back."""


class ServerError(MigrationError):
    """A server can't be reached, or the embedded one can't be started."""


class FileError(MigrationError):
    """A file or folder can't be read or written."""

    @classmethod
    def of(cls, error: OSError) -> FileError:
        """Say what the operating system said, without a traceback."""
        what = (error.strerror or str(error)).lower()
        return cls(
            f"the operating system says: {what}",
            where=str(error.filename or ""),
            way_out="look at the path, its owner and its permissions, and at the space on the disk",
        )


class UsageError(MigrationError):
    """Wrong usage or configuration."""

    exit_code = 2
