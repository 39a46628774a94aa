"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripts.checks import rules
from scripts.checks.rules import Severity
from scripts.errors import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What was looked at."""

    migrations: int
    databases: tuple[str, ...]
    """The environments."""
    proven: int | None = None
    """How many migrations were run on a shadow; None where that was not asked for."""
    live: bool = False
    """Whether the databases were asked."""
    base: str | None = None
    """The branch that released files were held against; None where they were not."""

    def __str__(self) -> str:
        """Return it for people."""
        count = counted(self.migrations, "migration")
        proven = "" if self.proven is None else f", {self.proven} of them run on a shadow"
        kind = "database" if len(self.databases) == 1 else "databases"
        live = f" and {kind} {', '.join(self.databases)}" if self.live else ""
        unchecked = ". Released files were not checked: add --base origin/main"
        return f"{count}{proven}{live}{'' if self.base else unchecked}"

    def as_fields(self) -> dict[str, Any]:
        """Return it as what --format json prints."""
        return {
            "migrations": self.migrations,
            "databases": list(self.databases),
            "proven": self.proven,
            "live": self.live,
            "base": self.base,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, where it is, and how to fix it."""

    code: str
    """Its stable name, which people look up and programs filter by."""
    message: str
    """One sentence without a full stop."""
    path: str = ""
    """The file as people name it; "" for a finding about a database."""
    line: int = 0
    """The first line is 1; 0 for the whole file."""
    column: int = 0
    """The first column is 1; 0 for the whole line."""
    database: str = ""
    """The environment."""
    detail: str = ""
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """Return the severity that its page gives."""
        return rules.get(self.code).severity

    @property
    def where(self) -> str:
        """Return the place in the form that editors and terminals turn into a link."""
        if not self.path:
            return f"database {self.database}"
        numbers = (str(number) for number in (self.line, self.column) if number)
        return ":".join([self.path, *numbers])

    def as_fields(self) -> dict[str, Any]:
        """Return the finding as what --format json prints."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "database": self.database or None,
            "path": self.path or None,
            "line": self.line or None,
            "column": self.column or None,
            "message": self.message,
            "detail": self.detail or None,
            "help": self.hint or None,
        }
