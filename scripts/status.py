"""Show the migrations of each database: applied, pending, ahead of this code, or changed.

With --events, show what runs did, tried and failed to do.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine.operations import overview
from scripts.engine.safeguards import sharing
from scripts.engine.safeguards.agreement import check_agreement
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import LedgerError, MigrationError, UsageError

_EVENTS = 20


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/status.py",
            "python scripts/status.py --database course --json",
            "python scripts/status.py --events 50",
        ),
    )
    arguments.add_database(parser)
    parser.add_argument(
        "--events",
        metavar="N",
        nargs="?",
        type=arguments.count,
        const=_EVENTS,
        help=f"show the last N events of each database instead (N defaults to {_EVENTS})",
    )
    arguments.add_json(parser, "one object with all databases")
    return parser


def _status(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.settings_of(project, arguments.environments(project, options.database))
    if options.events:
        return _events(chosen, options)
    found = [_look(settings) for settings in chosen]
    if options.json:
        fields = [
            (report.as_fields(state) if state else {"database": settings.name})
            | {"error": error.parts() if error else None}
            for settings, (state, error) in zip(chosen, found, strict=True)
        ]
        print(json.dumps({"databases": fields}, indent=2))
    else:
        # Nothing is known about a migrated database without its ledger.
        shown = [report.status(state) for state, error in found if state and _known(state, error)]
        sys.stdout.write("\n\n".join(shown) + "\n" if shown else "")
        sys.stdout.flush()
    errors: list[MigrationError] = [error for _, error in found if error]
    try:
        sharing.check([state for state, _ in found if state], project.environments)
    except UsageError as shared:
        # The status is shown anyway: it is needed to fix this.
        errors.append(shared)
    for one in errors:
        print(one, file=sys.stderr)
    return max((one.exit_code for one in errors), default=0)


def _known(state: Status, error: LedgerError | None) -> bool:
    return state.ledger.exists or error is None


def _look(settings: Settings) -> tuple[Status | None, LedgerError | None]:
    """Look at one database; an error in its ledger must not hide the other databases."""
    state = None
    try:
        state = overview.status(settings, report.say)
        check_agreement(state)
    except LedgerError as error:
        return state, error
    return state, None


def _events(chosen: Sequence[Settings], options: argparse.Namespace) -> int:
    found = {one.name: overview.latest_events(one, options.events, report.say) for one in chosen}
    if options.json:
        print(json.dumps({"databases": report.events_as_fields(found)}, indent=2))
    else:
        print("\n\n".join(report.events(name, rows) for name, rows in found.items()))
    return 0


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _status, reads_only=True)


if __name__ == "__main__":
    main()
