"""What a statement does to a table that was there before its file."""

from __future__ import annotations

from typing import Any, NamedTuple

# https://www.postgresql.org/docs/current/explicit-locking.html: from what others keep waiting for.
BLOCKS = {
    "ShareUpdateExclusiveLock": "blocks other changes of the table, and VACUUM",
    "ShareLock": "blocks writes",
    "ShareRowExclusiveLock": "blocks writes",
    "ExclusiveLock": "blocks writes",
    "AccessExclusiveLock": "blocks reads and writes",
}
"""What a lock keeps others from, the weakest first; weaker ones keep nobody from rows."""


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

    def __str__(self) -> str:
        """Return what it does, for people."""
        return f"{self.lock} on {self.table}: {self.effects}"

    def as_fields(self) -> dict[str, Any]:
        """Return it as what --format json prints."""
        return self._asdict() | {"blocks": BLOCKS[self.mode]}

    @property
    def lock(self) -> str:
        """Return the lock as the manual writes it: ACCESS EXCLUSIVE."""
        words = "".join(f" {one}" if one.isupper() else one for one in self.mode)
        return words.removesuffix(" Lock").strip().upper()

    @property
    def effects(self) -> str:
        """Return what it does to others, in words."""
        more = [
            *(["rewrites the table"] if self.rewrites else []),
            *(["scans the table"] if self.scans else []),
        ]
        return "; ".join([BLOCKS[self.mode], *more])
