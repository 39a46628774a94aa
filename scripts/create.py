"""Create a migration with the next number: its SQL file and its revision file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, observers
from scripts.engine.operations import new_revision
from scripts.errors import OutputError
from scripts.files.project import shown


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        ('python scripts/create.py --database course --name "add_user_preferences"',),
    )
    arguments.add_database(parser, required=True)
    parser.add_argument("--name", required=True, help="what the migration does, in a few words")
    parser.add_argument(
        "--author", default="", help="author of the migration (default: git's user.name)"
    )
    return parser


def _create(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    environment = arguments.environment(project, options.database, "create.py")
    with observers.chosen() as watch:
        made = new_revision.create(project, environment, options.name, options.author, watch)
    names = [shown(path) for path in made]
    try:
        print("\n".join(names), flush=True)
    except OSError as error:
        failed = OutputError.of(error)
        failed.complete(environment=environment.name, state=f"wrote {' and '.join(names)}")
        raise failed from error
    return 0


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _create)


if __name__ == "__main__":
    main()
