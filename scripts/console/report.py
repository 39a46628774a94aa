"""Results → text for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripts.console import table
from scripts.engine.observer import Direction, Observer, SilentObserver, StepResult
from scripts.errors import printable
from scripts.sqltext import duration

if TYPE_CHECKING:
    from datetime import datetime

    from scripts.engine.ledger.event_rows import Row
    from scripts.engine.ledger.partial import Partial
    from scripts.engine.status import Applied, Status

_VERBS = {Direction.UP: "applied", Direction.DOWN: "rolled back"}


class TextObserver(SilentObserver):
    """Prints a line for each migration that is done."""

    def finished(self, result: StepResult) -> None:
        """Print what was done and how long it took."""
        print(
            f"{result.environment}: {_VERBS[result.direction]} {result.filename} "
            f"({duration.text(result.duration_ms)})",
            flush=True,
        )

    def notice(self, environment: str, text: str) -> None:
        """Print the line."""
        print(f"{environment}: {text}", flush=True)


class JsonObserver:
    """Prints an object for each event, one per line."""

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Print that a migration begins."""
        event("started", database=environment, filename=filename, direction=direction.value)

    def finished(self, result: StepResult) -> None:
        """Print that a migration is committed."""
        event(
            "finished",
            database=result.environment,
            version=result.version,
            filename=result.filename,
            direction=result.direction.value,
            statements=result.statements,
            duration_ms=result.duration_ms,
        )

    def notice(self, environment: str, text: str) -> None:
        """Print the notice."""
        event("notice", database=environment, text=text)


def observer(*, as_json: bool) -> Observer:
    """Return the observer for a command."""
    return JsonObserver() if as_json else TextObserver()


def event(name: str, **fields: Any) -> None:
    """Print one event as a line of JSON."""
    import json

    print(json.dumps({"event": name, **fields}), flush=True)


def say(text: str) -> None:
    """Print a line for people where standard output belongs to JSON or is read by a program."""
    print(text, file=sys.stderr, flush=True)


def as_fields(state: Status) -> dict[str, Any]:
    """Return an environment's status as what --json prints."""
    return {
        "database": state.name,
        "current": None if state.current == "base" else state.current,
        "ledger": str(state.ledger.table),
        "alembic_version": list(state.alembic_heads),
        "applied": [
            {
                "version": applied.row.version,
                "filename": applied.row.filename,
                "applied_at": applied.row.applied_at.isoformat(),
                "applied_by": applied.row.applied_by,
                "duration_ms": applied.row.duration_ms,
                "checksum": applied.row.checksum,
                "file_checksum": applied.file_checksum,
                "changed": applied.changed,
                "renamed_to": _name_now(state, applied),
                "ahead": applied.entry is None,
            }
            for applied in state.applied
        ],
        "pending": [
            {"version": entry.version, "filename": entry.filename} for entry in state.pending
        ],
        "partial": [
            {
                "version": one.version,
                "filename": one.filename,
                "direction": one.direction,
                "done": one.done,
                "statements": one.statements,
                "at": one.at.isoformat(),
                "line": one.line,
                "failed": one.failed,
                "reason": one.reason,
            }
            for one in state.partial
        ],
    }


def status(state: Status) -> str:
    """Lay out an environment's status for people."""
    lines = [_summary(state)]
    lines += table.lines(
        ("version", "state", "applied at", "took", "file"),
        [_applied_cells(state, applied) for applied in state.applied]
        + [(entry.version, "pending", "", "", entry.filename) for entry in state.pending],
    )
    lines += [f"  {partial_line(one)}" for one in state.partial]
    if state.pending and not state.log_tells:
        lines.append("  without an event log, half-applied files are not shown")
    return "\n".join(lines)


def partial_line(one: Partial) -> str:
    """Say which file is half applied, and how far it got."""
    what = "PARTIAL" if one.direction == Direction.UP.value else "PARTIAL rollback"
    return printable(f"{one.version}  {what} {one.progress}, {one.filename}: {one.ending}")


def _summary(state: Status) -> str:
    kinds = [_kind(state, applied) for applied in state.applied]
    counts = {
        "applied": len(state.applied),
        "pending": len(state.pending),
        "ahead of this code": kinds.count("ahead"),
        "changed since applied": kinds.count("CHANGED"),
        "renamed since applied": kinds.count("RENAMED"),
    }
    optional = ("ahead of this code", "changed since applied", "renamed since applied")
    parts = [f"{count} {name}" for name, count in counts.items() if count or name not in optional]
    at = "empty" if state.current == "base" else f"at {state.current}"
    return f"{state.name}: {at}, {', '.join(parts)}"


def _kind(state: Status, applied: Applied) -> str:
    if any(one.row is applied.row for one in state.renamed):
        return "RENAMED"
    return "ahead" if applied.entry is None else "CHANGED" if applied.changed else "applied"


def _name_now(state: Status, applied: Applied) -> str | None:
    """Return the name of the file that has a migration's text now, where it is another one."""
    for one in state.renamed:
        if one.row is applied.row:
            return one.entry.filename
    if applied.entry is None or applied.changed:
        return None
    return applied.entry.filename if applied.entry.filename != applied.row.filename else None


def _applied_cells(state: Status, applied: Applied) -> tuple[str, ...]:
    took, now = applied.row.duration_ms, _name_now(state, applied)
    return (
        applied.row.version,
        _kind(state, applied),
        moment(applied.row.applied_at),
        "" if took is None else duration.text(took),
        f"{applied.row.filename}, now {now}" if now else applied.row.filename,
    )


def moment(when: datetime) -> str:
    """Return a local time with its offset."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def events(name: str, rows: Sequence[Row] | None) -> str:
    """Lay out the last events of an environment for people; None stands for no event log."""
    if rows is None:
        return f"{name}: there is no event log: no run has created one yet"
    head = ("when", "event", "version", "took", "waited", "by", "what")
    return "\n".join([f"{name}: the last {len(rows)} events", *table.lines(head, _cells(rows))])


def _cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    return [
        (
            moment(row.at),
            row.event,
            row.version or "",
            "" if row.duration_ms is None else duration.text(row.duration_ms),
            "" if not row.lock_wait_ms else duration.text(row.lock_wait_ms),
            f"{row.db_user}@{row.host}",
            _what(row),
        )
        for row in rows
    ]


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


def events_as_fields(found: Mapping[str, Sequence[Row] | None]) -> list[dict[str, Any]]:
    """Return the last events as what --json prints."""
    return [
        {
            "database": name,
            "events": rows and [row._asdict() | {"at": row.at.isoformat()} for row in rows],
        }
        for name, rows in found.items()
    ]
