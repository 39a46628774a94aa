"""Results → text for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scripts.checks.finding import Finding, Severity
from scripts.engine.observer import Direction, Observer, SilentObserver, StepResult
from scripts.engine.state import Applied, State
from scripts.files import duration

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
    """Prints an object for each event, one a line."""

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
    """Return what watches a run for a command."""
    return JsonObserver() if as_json else TextObserver()


def event(name: str, **fields: Any) -> None:
    """Print one event as a line of JSON."""
    print(json.dumps({"event": name, **fields}, ensure_ascii=False), flush=True)


def say(text: str) -> None:
    """Print a line for people where standard output belongs to JSON or is read by a program."""
    print(text, file=sys.stderr, flush=True)


def as_fields(state: State) -> dict[str, Any]:
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
                "ahead": applied.entry is None,
            }
            for applied in state.applied
        ],
        "pending": [
            {"version": entry.version, "filename": entry.filename} for entry in state.pending
        ],
    }


def status(state: State) -> str:
    """Lay out an environment's status for people."""
    lines = [_summary(state)]
    lines += _table(
        ("version", "state", "applied at", "took", "file"),
        [_applied_cells(applied) for applied in state.applied]
        + [(entry.version, "pending", "", "", entry.filename) for entry in state.pending],
    )
    return "\n".join(lines)


def _summary(state: State) -> str:
    counts = {
        "applied": len(state.applied),
        "pending": len(state.pending),
        "ahead of this code": len(state.ahead),
        "changed since applied": len(state.changed),
    }
    optional = ("ahead of this code", "changed since applied")
    parts = [f"{count} {name}" for name, count in counts.items() if count or name not in optional]
    at = "empty" if state.current == "base" else f"at {state.current}"
    return f"{state.name}: {at}, {', '.join(parts)}"


def _applied_cells(applied: Applied) -> tuple[str, ...]:
    kind = "ahead" if applied.entry is None else "CHANGED" if applied.changed else "applied"
    took = applied.row.duration_ms
    return (
        applied.row.version,
        kind,
        moment(applied.row.applied_at),
        "" if took is None else duration.text(took),
        applied.row.filename,
    )


def moment(when: datetime) -> str:
    """Return a time as people here read it: local, with its offset."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def findings(found: Sequence[Finding], compared: Sequence[str], *, as_json: bool) -> None:
    """Print what a check has found, and how much there is of it.

    Args:
        found: the findings.
        compared: the databases whose ledger was looked at too.
        as_json: print one object instead of text.
    """
    if as_json:
        fields = [finding.as_fields() for finding in found]
        print(json.dumps({"findings": fields, "compared": list(compared)}, indent=2))
        return
    for finding in found:
        print(f"{finding.where}: {finding.severity.value}: {finding.message} [{finding.code}]")
        if finding.detail:
            print("\n".join(f"  {line}" for line in finding.detail.splitlines()))
        if finding.way_out:
            print(f"  help: {finding.way_out}")
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    ledgers = f"files, and the ledger of {', '.join(compared)}" if compared else "files only"
    print(f"{errors} errors, {len(found) - errors} warnings ({ledgers})")
