"""What a check has found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Severity(Enum):
    """How bad it is: an error fails the check, a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, where it is, and how to mend it."""

    code: str
    """Its stable name, for people to look up and programs to filter by."""
    severity: Severity
    where: str
    """A path, with its line after a colon where there is one, or a database."""
    message: str
    detail: str = ""
    way_out: str = ""

    def as_fields(self) -> dict[str, Any]:
        """Return the finding as what --json prints."""
        return {**asdict(self), "severity": self.severity.value}
