"""The event log → text for people, fields for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripts.console import table
from scripts.console.status_page import moment
from scripts.sqltext import duration

if TYPE_CHECKING:
    from scripts.engine.ledger.event_rows import Row

_HEAD = ("when", "run", "event", "version", "took", "waited", "by", "what")
_SHORT_RUN = 8
"""Characters of a run's name: `--run` takes the beginning of one."""


def text(name: str, rows: Sequence[Row] | None, run: str | None) -> str:
    """Lay out events of an environment for people.

    Args:
        name: the environment's.
        rows: the events, the oldest first; None where there is no event log.
        run: the beginning of the name of the run that was asked for.
    """
    if rows is None:
        return f"{name}: there is no event log: no run has created one yet"
    if run:
        lines = [f"{name}: run {rows[0].run}" if rows else f"{name}: no run {run}"]
    else:
        lines = [f"{name}: the last {len(rows)} events"]
    return "\n".join([*lines, *table.lines(_HEAD, [_cells(row) for row in rows])])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        moment(row.at),
        (row.run or "")[:_SHORT_RUN],
        row.event,
        row.version or "",
        "" if row.duration_ms is None else duration.text(row.duration_ms),
        "" if not row.lock_wait_ms else duration.text(row.lock_wait_ms),
        f"{row.db_user}@{row.host}",
        _what(row),
    )


def _what(row: Row) -> str:
    parts = [row.direction or "", row.filename or ""]
    if row.statement:
        parts.append(f"statement {row.statement}")
    if row.line:
        parts.append(f"line {row.line}")
    reason = (row.error or "").partition("\n")[0]
    if row.sqlstate and row.sqlstate not in reason:
        parts.append(f"[{row.sqlstate}]")
    parts.append(reason)
    return " ".join(part for part in parts if part)


def fields(found: Mapping[str, Sequence[Row] | None]) -> list[dict[str, Any]]:
    """Return events as what --json prints."""
    return [
        {
            "database": name,
            "events": rows and [row._asdict() | {"at": row.at.isoformat()} for row in rows],
        }
        for name, rows in found.items()
    ]
