"""What a statement does to a table that was there before its file."""

from __future__ import annotations

from typing import Any, NamedTuple

from scripts.engine.session import lock_modes

# https://www.postgresql.org/docs/current/explicit-locking.html: from what others keep waiting for.
BLOCKS = {
    "ShareUpdateExclusiveLock": "blocks other changes of the table, and VACUUM",
    "ShareLock": "blocks writes",
    "ShareRowExclusiveLock": "blocks writes",
    "ExclusiveLock": "blocks writes",
    "AccessExclusiveLock": "blocks reads and writes",
}
"""What a lock keeps others from, the weakest first; weaker ones keep nobody from rows."""


_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_MILLION = 1_000_000


class Weight(NamedTuple):
    """How large a table is in a live database."""

    size: int
    """Bytes, with its indexes and long values."""
    rows: int | None
    """As ANALYZE has estimated; None where it has not."""

    def __str__(self) -> str:
        """Return it in words: 48 GB (12 million rows)."""
        number, unit = float(self.size), 0
        while number >= 1024 and unit < len(_UNITS) - 1:
            number, unit = number / 1024, unit + 1
        size = f"{number:.1f}" if unit and number < 10 else f"{number:.0f}"
        rows = self.rows
        if rows is None:
            return f"{size} {_UNITS[unit]}"
        short = f"{rows / _MILLION:.0f} million" if rows >= 10 * _MILLION else f"{rows:,}"
        return f"{size} {_UNITS[unit]} ({short} {'row' if rows == 1 else 'rows'})"


class Touch(NamedTuple):
    """What a statement does to a table that was there before its file."""

    path: str
    line: int
    statement: str
    """In a line, without secrets."""
    table: str
    mode: str
    """The lock, as pg_locks has it: "AccessExclusiveLock"."""
    rewrites: bool
    scans: bool
    """Whether it reads the whole table to see that all rows are as they should be."""
    live: str = ""
    """The table's name in the live database; "" where it is not there yet, or was not asked for."""
    weight: Weight | None = None
    """The table's, where a live database was asked."""

    def __str__(self) -> str:
        """Return what it does, for people."""
        return f"{self.lock} on {self.table}: {self.effects}"

    def as_fields(self) -> dict[str, Any]:
        """Return it as what --format json prints."""
        fields = self._asdict() | {"blocks": BLOCKS[self.mode]}
        weight, _ = fields.pop("weight"), fields.pop("live")
        size, rows = (weight.size, weight.rows) if weight else (None, None)
        return fields | {"bytes": size, "rows": rows}

    @property
    def lock(self) -> str:
        """Return the lock as the manual writes it: ACCESS EXCLUSIVE."""
        return lock_modes.words(self.mode)

    @property
    def effects(self) -> str:
        """Return what it does to others, in words."""
        what = str(self.weight) if self.weight else "the table"
        more = [
            *([f"rewrites {what}"] if self.rewrites else []),
            *([f"scans {what}"] if self.scans else []),
        ]
        if self.weight and not more:
            more = [what]
        return "; ".join([BLOCKS[self.mode], *more])
