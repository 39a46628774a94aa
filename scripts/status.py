"""Show each database: what matters now, the last migrations applied, and all pending ones.

With --events, show what runs did, tried and failed to do.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, layout, report, status_page
from scripts.console.status_page import LAST
from scripts.engine import boundary
from scripts.engine.ledger.activity import Activity
from scripts.engine.operations import overview
from scripts.engine.safeguards import agreement, sharing
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import LedgerError, MigrationError, UsageError
from scripts.files.project import Project

_EVENTS = 20
_PAUSE = 2.0
"""Seconds between two looks."""
_PENDING = 3
"""Exit code of --check."""
_CLEAR = "\033[H\033[J"
"""To the corner, and erase what follows: invisible-island.net/xterm/ctlseqs/ctlseqs.html."""


class _Seen(NamedTuple):
    """What was found of one database; an error in its ledger must not hide the others."""

    status: Status | None
    now: Activity | None = None
    error: LedgerError | None = None


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/status.py",
            "python scripts/status.py --check",
            "python scripts/status.py --database course --json",
            "python scripts/status.py --events --run 3f9a01c2",
        ),
    )
    arguments.add_database(parser)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--all", action="store_true", help="show all applied migrations")
    amount.add_argument(
        "--last",
        metavar="N",
        type=arguments.count,
        default=LAST,
        help=f"how many of the applied migrations to show (default: {LAST})",
    )
    amount.add_argument(
        "--pending",
        action="store_true",
        help="show pending migrations, and applied ones only where something is wrong with them",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"exit with 0 if all is applied, {_PENDING} if something is pending, 1 if something "
        "is wrong",
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=arguments.count,
        const=_PAUSE,
        help=f"show it again and again, until Ctrl-C (SECONDS between, default: {_PAUSE:g})",
    )
    parser.add_argument(
        "--events",
        metavar="N",
        nargs="?",
        type=arguments.count,
        const=_EVENTS,
        help=f"show the last N events of each database instead (N defaults to {_EVENTS})",
    )
    parser.add_argument(
        "--run",
        metavar="ID",
        type=arguments.value,
        help="with --events: all events of this run; the beginning of its ID is enough",
    )
    arguments.add_json(parser, "one object with all databases")
    return parser


def _status(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.settings_of(project, arguments.environments(project, options.database))
    if options.run and not options.events:
        raise UsageError("--run needs --events", hint="status.py --events --run ID")
    _check(options)
    while True:
        text, errors, code = _once(project, chosen, options)
        if options.watch and report.can_redraw():
            sys.stdout.write(_CLEAR + layout.cut(layout.wrapped(text)) + "\n")
            sys.stdout.flush()
        elif text:
            layout.say(text)
        for one in errors:
            print(one, file=sys.stderr)
        if not options.watch:
            return code
        time.sleep(options.watch)


def _check(options: argparse.Namespace) -> None:
    if options.watch and (options.json or options.check):
        raise UsageError("--watch is for people: without --json and --check")
    chosen = options.all or options.pending or options.check or options.last != LAST
    if options.events and chosen:
        raise UsageError(
            "--events shows the event log: without --check, --all, --pending and --last",
            hint="run the command once for each",
        )


def _once(
    project: Project, chosen: Sequence[Settings], options: argparse.Namespace
) -> tuple[str, list[MigrationError], int]:
    """Return what is printed, what is wrong, and the exit code."""
    if options.events:
        return _events(chosen, options), [], 0
    found = [_look(settings, strictly=options.check) for settings in chosen]
    errors: list[MigrationError] = [one.error for one in found if one.error]
    states = [one.status for one in found if one.status]
    try:
        sharing.check(states, project.environments)
    except UsageError as shared:
        # The status is shown anyway: it is needed to fix this.
        errors.append(shared)
    text = _json(chosen, found) if options.json else _text(found, options)
    code = max((one.exit_code for one in errors), default=0)
    if options.check:
        code = 1 if errors else _PENDING if any(one.pending for one in states) else 0
    return text, errors, code


def _json(chosen: Sequence[Settings], found: Sequence[_Seen]) -> str:
    fields = [
        (
            status_page.fields(one.status, one.now)
            if one.status and one.now
            else {"database": settings.name}
        )
        | {"error": one.error.fields() if one.error else None}
        for settings, one in zip(chosen, found, strict=True)
    ]
    return json.dumps({"databases": fields}, indent=2)


def _text(found: Sequence[_Seen], options: argparse.Namespace) -> str:
    last = 0 if options.pending else None if options.all else options.last
    return "\n\n".join(
        status_page.text(one.status, one.now, last)
        for one in found
        # Nothing is known about a migrated database without its ledger.
        if one.status and one.now and (one.status.ledger.exists or one.error is None)
    )


def _look(settings: Settings, *, strictly: bool) -> _Seen:
    state, now = None, None
    try:
        state, now = overview.seen(settings, report.say)
        with boundary.located(state.name, ""):
            (_check_all if strictly else agreement.check_agreement)(state)
    except LedgerError as error:
        return _Seen(state, now, error)
    return _Seen(state, now)


def _check_all(state: Status) -> None:
    from scripts.engine.safeguards import half_applied

    agreement.check_history(state)
    half_applied.check_none(state)


def _events(chosen: Sequence[Settings], options: argparse.Namespace) -> str:
    from scripts.console import events_page

    found = {
        one.name: overview.latest_events(one, options.events, report.say, options.run)
        for one in chosen
    }
    if options.json:
        return json.dumps({"databases": events_page.fields(found)}, indent=2)
    return "\n\n".join(events_page.text(name, rows, options.run) for name, rows in found.items())


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _status, reads_only=True)


if __name__ == "__main__":
    main()
