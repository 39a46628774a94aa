"""Show each database's migrations: applied, pending, ahead of this code, changed since applied."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine import operations


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__, ("python scripts/status.py", "python scripts/status.py --database course --json")
    )
    arguments.add_database(parser)
    arguments.add_json(parser, "one object with all databases")
    return parser


def _status(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    states = [operations.look(project, environment) for environment in chosen]
    if options.json:
        print(json.dumps({"databases": [report.as_fields(state) for state in states]}, indent=2))
    else:
        print("\n\n".join(report.status(state) for state in states))
    return 0


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _status)


if __name__ == "__main__":
    main()
