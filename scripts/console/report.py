"""What a run reports → lines for people, JSON for programs."""

from __future__ import annotations

import os
import sys
from datetime import UTC
from typing import Any

from scripts.engine.observer import SilentObserver
from scripts.engine.reported import Direction, Ended, Planned, Running, Sent, StepResult, Waiting
from scripts.errors import printable


def sent_line(environment: str, sent: Sent) -> str:
    """Return which statement begins, without what may be secret in it."""
    from scripts.engine import disclosure

    shown = disclosure.of_statement(sent.statement.sql, 100)
    return printable(f"{environment}: {sent.filename}:{sent.statement.line}: {shown}")


class TextObserver(SilentObserver):
    """Prints a line for each migration that is done."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Print each statement as well, if that is asked for."""
        self._verbose = verbose

    def sent(self, environment: str, sent: Sent) -> None:
        """Print the statement, where that was asked for."""
        if self._verbose:
            print(sent_line(environment, sent), flush=True)

    def planned(self, environment: str, plan: Planned) -> None:
        """Print how much there is to do, and where."""
        self.notice(environment, str(plan))

    def finished(self, result: StepResult) -> None:
        """Print what was done and how long it took."""
        self.notice(result.environment, str(result))

    def ended(self, environment: str, end: Ended) -> None:
        """Print what it took in all."""
        self.notice(environment, str(end))

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Print the line."""
        self.notice(environment, waiting.text)

    def notice(self, environment: str, text: str) -> None:
        """Print the line."""
        print(f"{environment}: {text}", flush=True)


class QuietObserver(TextObserver):
    """Prints only what keeps a run waiting: the rest is its exit code."""

    def notice(self, environment: str, text: str) -> None:
        """Print nothing."""

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Say it on standard error."""
        say(f"{environment}: {waiting.text}")


class JsonObserver:
    """Prints an object for each event, one per line; see docs/json.md."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Know no run yet; print statements as well, if that is asked for."""
        self._verbose = verbose
        self._runs: dict[str, str] = {}
        self._sent: dict[str, Sent] = {}

    def _event(self, name: str, environment: str, **fields: Any) -> None:
        event(name, database=environment, run=self._runs.get(environment), **fields)

    def planned(self, environment: str, plan: Planned) -> None:
        """Print what the run will do."""
        self._runs[environment] = plan.run
        self._event(
            "planned",
            environment,
            migrations=plan.migrations,
            direction=plan.direction.value,
            server=plan.server,
        )

    def started(self, environment: str, filename: str, direction: Direction) -> None:
        """Print that a migration begins."""
        self._sent.pop(environment, None)
        version = filename.partition("_")[0]
        self._event(
            "started", environment, version=version, filename=filename, direction=direction.value
        )

    def sent(self, environment: str, sent: Sent) -> None:
        """Print that a statement begins, where that was asked for."""
        self._sent[environment] = sent
        if not self._verbose:
            return
        from scripts.engine import disclosure

        self._event(
            "statement",
            environment,
            version=sent.version,
            filename=sent.filename,
            line=sent.statement.line,
            number=sent.number,
            of=sent.of,
            statement=disclosure.of_statement(sent.statement.sql, 200),
        )

    def running(self, environment: str, running: Running) -> None:
        """Print how far a statement is, where the server says it."""
        if running.phase:
            self._event(
                "progress",
                environment,
                **self._place(environment),
                duration_ms=round(running.seconds * 1000),
                phase=running.phase,
                percent=None if running.percent is None else round(running.percent, 1),
            )

    def _place(self, environment: str) -> dict[str, Any]:
        sent = self._sent.get(environment)
        return {
            "version": sent.version if sent else None,
            "filename": sent.filename if sent else None,
            "line": sent.statement.line if sent else None,
        }

    def waiting(self, environment: str, waiting: Waiting) -> None:
        """Print who is in the way."""
        self._event(
            "waiting",
            environment,
            **self._place(environment),
            waits_for=waiting.wants,
            duration_ms=round(waiting.seconds * 1000),
            blocked_by=list(waiting.blocked_by),
        )

    def finished(self, result: StepResult) -> None:
        """Print that a migration is committed."""
        self._event(
            "finished",
            result.environment,
            version=result.version,
            filename=result.filename,
            direction=result.direction.value,
            statements=result.statements,
            duration_ms=result.duration_ms,
        )

    def ended(self, environment: str, end: Ended) -> None:
        """Print what it took in all."""
        self._event(
            "ended",
            environment,
            migrations=end.migrations,
            direction=end.direction.value,
            duration_ms=end.duration_ms,
            current=end.at,
        )

    def notice(self, environment: str, text: str) -> None:
        """Print the notice."""
        self._event("notice", environment, text=text)


def event(name: str, **fields: Any) -> None:
    """Print one event as a line of JSON, with the time."""
    import json
    from datetime import datetime

    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, "event": name, **fields}), flush=True)


def can_redraw() -> bool:
    """Tell whether standard output is a terminal that draws over what it has drawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def say(text: str) -> None:
    """Print a line for people where standard output belongs to JSON or is read by a program."""
    print(text, file=sys.stderr, flush=True)
