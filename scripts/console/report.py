"""What a run reports → lines for people, JSON for programs."""

from __future__ import annotations

import sys
from typing import Any

from scripts.engine.observer import Direction, Observer, SilentObserver, StepResult
from scripts.sqltext import duration

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
