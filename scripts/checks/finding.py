"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripts.checks import rules
from scripts.checks.rules import Severity


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
            "database": self.database,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "detail": self.detail,
            "help": self.hint,
        }
