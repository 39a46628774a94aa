"""What a step changes in the ledger, and the statements that write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.ledger.table import Ledger, Record

AsSql = Callable[[str, Any], Composable]
"""Takes a name and its value; makes SQL of it: a literal, or a placeholder of that name."""


def literal(_: str, value: Any) -> Composable:
    """Write a value out; see `AsSql`."""
    return Literal(value)


class Insertion(NamedTuple):
    """A migration was applied."""

    record: Record
    duration: Composable | int
    """Milliseconds; in a script what the server works out."""
    existed: Composable
    """What was there before of the objects that its DOWN drops, as SQL that gives jsonb: see
    `objects.existing`; NULL where nobody looked."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Return what the placeholders of a statement stand for."""
        return self.record.values | {"duration_ms": self.duration}

    def statement(self, ledger: Ledger, as_sql: AsSql = literal) -> Composable:
        """Return the statement that writes the row."""
        duration = self.duration
        return ledger.insertion(
            {name: as_sql(name, value) for name, value in self.record.values.items()}
            | {
                "duration_ms": duration
                if isinstance(duration, Composable)
                else as_sql("duration_ms", duration),
                "existed_before": self.existed,
            }
        )


class Deletion(NamedTuple):
    """A migration was rolled back."""

    version: str
    rollback_checksum: str | None = None
    """Of the rollback SQL that was run; the row must still have it. None where another was run."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Return what the placeholders of a statement stand for."""
        return {"version": self.version, "rollback_checksum": self.rollback_checksum}

    def statement(self, ledger: Ledger, as_sql: AsSql = literal) -> Composable:
        """Return the statement that takes the row away."""
        deletion = SQL("DELETE FROM {} WHERE version = {}").format(
            ledger.name, as_sql("version", self.version)
        )
        if self.rollback_checksum is None or not ledger.has_checksums:
            return deletion
        noted = as_sql("rollback_checksum", self.rollback_checksum)
        return deletion + SQL(" AND rollback_checksum = {}").format(noted)


class Replacement(NamedTuple):
    """A row is put right; when it was applied, and by whom, stays."""

    version: str
    """The row's until now."""
    record: Record
    existed: Composable | None = None
    """More that existed before, as SQL that gives jsonb; None where nothing is added."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Return what the placeholders of a statement stand for."""
        return self.record.values | {"at": self.version}

    def statement(self, ledger: Ledger, as_sql: AsSql = literal) -> Composable:
        """Return the statement that changes the row."""
        columns = SQL(", ").join(
            SQL("{} = {}").format(Identifier(name), as_sql(name, value))
            for name, value in self.record.values.items()
        )
        if self.existed is not None:
            columns += SQL(", existed_before = coalesce(existed_before, '[]') || {}").format(
                self.existed
            )
        return SQL("UPDATE {} SET {} WHERE version = {}").format(
            ledger.name, columns, as_sql("at", self.version)
        )


Change = Insertion | Deletion | Replacement
NOTHING = Deletion("")
"""Changes no row: only events are written."""
ASIDE = "~"
"""Stands before the version of a row while others are given that version."""
