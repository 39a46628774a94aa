"""Show each database's migrations: applied, pending, ahead of this code, changed since applied.

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
from scripts.engine import operations
from scripts.files.project import Environment, Project

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
        help=f"show the last N events of each database instead ({_EVENTS})",
    )
    arguments.add_json(parser, "one object with all databases")
    return parser


def _status(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    if options.events:
        return _events(project, chosen, options)
    states = [operations.look(project, environment, report.say) for environment in chosen]
    if options.json:
        print(json.dumps({"databases": [report.as_fields(state) for state in states]}, indent=2))
    else:
        print("\n\n".join(report.status(state) for state in states))
    return 0


def _events(project: Project, chosen: Sequence[Environment], options: argparse.Namespace) -> int:
    found = {
        one.name: operations.latest_events(project, one, options.events, report.say)
        for one in chosen
    }
    if options.json:
        print(json.dumps({"databases": report.events_as_fields(found)}, indent=2))
    else:
        print("\n\n".join(report.events(name, rows) for name, rows in found.items()))
    return 0


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _status)


if __name__ == "__main__":
    main()
