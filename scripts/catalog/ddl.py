"""Differences as people read them: the DDL of what was and of what is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scripts.catalog import alter, creation, privileges
from scripts.catalog.diff import ORDER, Difference
from scripts.catalog.record import Record

_MOST_LINES = 60
"""Lines of DDL that people are shown at once."""


def shortened(lines: Sequence[str]) -> str:
    """Return lines as one text, and how many there are more where they are too many to show."""
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"… and {more} lines more"] if more > 0 else [])])


def lines(difference: Difference) -> list[str]:
    """Return a difference as lines that begin with `- ` for what was and `+ ` for what is."""
    found = [
        *_marked("-", difference, difference.before),
        *_marked("+", difference, difference.after),
    ]
    return found or [f"  {difference.kind} {difference.name}"]


def _marked(mark: str, difference: Difference, record: Record | None) -> Iterator[str]:
    if record is None:
        return
    shown = (
        _changed(difference, record)
        if difference.attributes
        else creation.statements(record, [part.before or part.after for part in difference.parts])
    )
    for text in shown:
        for line in text.strip("\n").splitlines():
            yield f"{mark} {line}"


def _changed(difference: Difference, record: Record) -> Iterator[str]:
    if difference.kind == ORDER:
        columns = record.get("columns")
        listed = columns if isinstance(columns, tuple) else ()
        yield f"{difference.name}: " + ", ".join(name.rpartition(".")[2] for name in listed)
        return
    other = difference.after if record is difference.before else difference.before
    for attribute in difference.attributes:
        value = record.get(attribute)
        if attribute == "privileges":
            yield from privileges.statements(record, other)
        elif value is not None:
            yield alter.statement(record, attribute, value)
