"""The status of a database → text for people, fields for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scripts.console import table
from scripts.errors import printable
from scripts.sqltext import duration

if TYPE_CHECKING:
    from datetime import datetime

    from scripts.engine.ledger.activity import Activity
    from scripts.engine.ledger.partial import Partial
    from scripts.engine.status import Applied, Status

_HEAD = ("version", "state", "applied at", "took", "file")
LAST = 10
"""How many of the applied migrations are shown unless more are asked for."""


def text(state: Status, now: Activity, last: int | None = LAST) -> str:
    """Lay out an environment's status: where it is, what matters now, and its migrations.

    Args:
        state: its files and its ledger.
        now: what goes on in its database.
        last: how many of the applied migrations are shown, None for all; what is not as it should
            be always is.
    """
    lines = [_title(state), f"  {_summary(state)}", *(f"  {one}" for one in _matters(state, now))]
    chosen, left = _chosen(state, last)
    rows = [_applied_cells(state, applied) for applied in chosen]
    rows += [(entry.version, "pending", "", "", entry.filename) for entry in state.pending]
    lines += table.lines(_HEAD, rows)
    if left:
        lines.append(f"  {left} more {'is' if left == 1 else 'are'} applied: --all shows them")
    return "\n".join(lines)


def _title(state: Status) -> str:
    """Name the server: `course  app@db.prod:5432/course  PostgreSQL 15.8`."""
    server = state.server
    return printable(
        "  ".join(part for part in (state.name, server.address, server.product) if part)
    )


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
    return f"{at}, {', '.join(parts)}"


def _matters(state: Status, now: Activity) -> list[str]:
    """Return what an operator has to know first."""
    lines = []
    if now.holder:
        where = now.reached
        at = f", at {_place(where.filename, where.line)}" if where and where.filename else ""
        lines.append(printable(f"a run is at work{at}: {now.holder}"))
        if now.holder.since is None:
            lines.append("what it waits for, this login may not see: GRANT pg_read_all_stats")
    if now.waits:
        lines.append(printable(f"it waits for {now.waits.wants}"))
        lines += [printable(f"  blocked by {one}") for one in now.waits.blockers]
    failed = now.failure
    half = {one.version for one in state.partial}
    if failed and failed.version not in half:
        # What is half applied has its reason in its own line.
        of = _place(failed.filename, failed.line) if failed.filename else "a run"
        reason = failed.reason or "no reason was recorded"
        lines.append(printable(f"last failure: {moment(failed.at)}, {of}: {reason}"))
    lines += [partial_line(one) for one in state.partial]
    if state.pending and not state.log_tells:
        unseen = "half-applied files are not shown"
        lines.append(f"without an event log that this login may read, {unseen}")
    return lines


def _place(filename: str | None, line: int | None) -> str:
    return f"{filename} line {line}" if line else f"{filename}"


def partial_line(one: Partial) -> str:
    """Say which file is half applied, and how far it got."""
    what = "PARTIAL" if one.is_up else "PARTIAL rollback"
    return printable(f"{one.version}  {what} {one.progress}, {one.filename}: {one.ending}")


def _chosen(state: Status, last: int | None) -> tuple[list[Applied], int]:
    """Return the applied migrations that are shown, and how many are not."""
    if last is None:
        return list(state.applied), 0
    first = len(state.applied) - last
    chosen = [
        one
        for position, one in enumerate(state.applied)
        if position >= first or _kind(state, one) != "applied"
    ]
    return chosen, len(state.applied) - len(chosen)


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


def fields(state: Status, now: Activity) -> dict[str, Any]:
    """Return an environment's status as what --json prints."""
    return {
        "database": state.name,
        "server": state.server.address,
        "server_version": state.server.product,
        "current": None if state.current == "base" else state.current,
        "ledger": str(state.ledger.table),
        "alembic_version": list(state.alembic_heads),
        "applied": [_applied_fields(state, applied) for applied in state.applied],
        "pending": [
            {"version": entry.version, "filename": entry.filename} for entry in state.pending
        ],
        "partial": [_partial_fields(one) for one in state.partial],
        "at_work": _at_work(now),
        "last_failure": _dated(now.failure),
    }


def _applied_fields(state: Status, applied: Applied) -> dict[str, Any]:
    return {
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


def _partial_fields(one: Partial) -> dict[str, Any]:
    return {
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


def _at_work(now: Activity) -> dict[str, Any] | None:
    if now.holder is None:
        return None
    return {
        **now.holder.fields,
        "reached": _dated(now.reached),
        "waits_for": now.waits.wants if now.waits else None,
        "blocked_by": _pids(now),
    }


def _pids(now: Activity) -> Sequence[int]:
    return [one.pid for one in now.waits.blockers] if now.waits else []


def _dated(row: Any) -> dict[str, Any] | None:
    return {**row._asdict(), "at": row.at.isoformat()} if row else None
