"""What all errors have in common: parts for people and programs, an exit code, a hint."""

from __future__ import annotations

_WIDTH = 8
"""Width of the column with the names of the parts."""


class MigrationError(Exception):
    """An error with its reason, place, details, the state that it left, and a hint.

    Args:
        what: the reason: one sentence without a full stop.
        environment: the environment of the database, if known; see `complete`.
        where: a place such as `sql/course/004_add_x.sql:12`.
        source: the line of source at that place, and below it a line with a caret.
        detail: more lines: what the server added, both values that differ.
        state: what the database or the disk looks like now ("rolled back; course is at 003").
        hint: what to do, with the command or setting to type.
    """

    exit_code = 1

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        what: str,
        *,
        environment: str = "",
        where: str = "",
        source: str = "",
        detail: str = "",
        state: str = "",
        hint: str = "",
    ) -> None:
        """Keep the parts apart: the console prints them, JSON output carries them."""
        super().__init__(what)
        self.what = what
        self.environment = environment
        self.where = where
        self.source = source
        self.detail = detail
        self.state = state
        self.hint = hint
        self.run = ""
        """The run's name in the event log, where there was one."""

    def complete(self, *, environment: str, state: str) -> None:
        """Add what only the whole run knows, if the error does not say it.

        Called in one place for each door, so that nothing below it rewrites an error.

        Args:
            environment: the environment of the database.
            state: the state of the database now.
        """
        self.environment = self.environment or environment
        self.state = self.state or state

    def parts(self) -> dict[str, str]:
        """Return the parts that are set, by name, in the order in which they are shown."""
        named = {
            "error": self.what,
            "database": self.environment,
            "at": self.where,
            "source": self.source,
            "detail": self.detail,
            "state": self.state,
            "help": self.hint,
        }
        return {name: text for name, text in named.items() if text}

    def fields(self) -> dict[str, object]:
        """Return what programs read of it: what is not known is None."""
        parts = self.parts()
        return {
            "database": self.environment or None,
            "run": self.run or None,
            "version": None,
            "filename": None,
            "line": None,
            "sqlstate": None,
            "exit_code": self.exit_code,
            **{name: parts.get(name) for name in ("error", "at", "source", "detail", "state")},
            "help": parts.get("help"),
        }

    def __str__(self) -> str:
        """Lay the parts out as people see them: a name, then its text, indented below it."""
        place = ": ".join(part for part in (self.environment, self.where) if part)
        named = {
            "error": self.what,
            "at": "\n".join(part for part in (place, self.source) if part),
            "detail": self.detail,
            "state": self.state,
            "help": self.hint,
        }
        lines = []
        for name, text in named.items():
            if text:
                first, *rest = (printable(line) for line in text.splitlines())
                lines.append(f"{name + ':':<{_WIDTH}}{first}")
                lines.extend(f"{'':<{_WIDTH}}{line}" for line in rest)
        return "\n".join(lines)


def printable(text: str) -> str:
    """Return a text on one line; escape characters that would control a terminal or forge a line.

    Tabs become spaces: libpq indents its advice with them, and people their SQL.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii")
        for one in text.expandtabs(4)
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 error, 2 errors."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class UsageError(MigrationError):
    """Wrong usage or configuration."""

    exit_code = 2
