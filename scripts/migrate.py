"""Apply pending migrations to all databases or to one, up to a version, or apply one file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine.operations import upgrade
from scripts.engine.status import Status
from scripts.files.history import Entry


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/migrate.py",
            "python scripts/migrate.py --database course --to 3 --dry-run",
            "python scripts/migrate.py --file 003_create_categories.sql",
        ),
    )
    arguments.add_database(parser)
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--to",
        type=arguments.value,
        metavar="VERSION",
        help="the last version to apply; 2 means 002",
    )
    one.add_argument(
        "--file",
        type=arguments.value,
        metavar="FILE",
        help="apply this file (a name or a path), which must be the next one",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would run, without changing anything"
    )
    arguments.add_show_values(parser)
    arguments.add_json(parser, "one object per event")
    return parser


def _migrate(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    if options.file:
        from scripts.engine.operations import choice

        owner, options.file = choice.owner(project, chosen, options.file)
        chosen = (owner,)
    planned = upgrade.plan(
        arguments.settings_of(project, chosen),
        report.say,
        to=options.to,
        file=options.file,
        check_all=options.dry_run,
    )
    for pending in planned:
        if pending.is_idle or (options.dry_run and not pending.entries):
            _say_nothing_to_do(pending.status, options)
        elif options.dry_run:
            _preview(pending.status, pending.entries, options)
        else:
            watch = report.observer(as_json=options.json)
            upgrade.to(pending.settings, pending.target, watch, pending.status)
    return 0


def _say_nothing_to_do(state: Status, options: argparse.Namespace) -> None:
    watch = report.observer(as_json=options.json)
    if options.file:
        watch.notice(state.name, f"{options.file} is already applied")
    elif state.ahead:
        versions = ", ".join(applied.row.version for applied in state.ahead)
        watch.notice(state.name, f"nothing to do; the database is ahead of this code by {versions}")
    else:
        watch.notice(state.name, f"nothing to do, at {state.current}")


def _preview(state: Status, entries: tuple[Entry, ...], options: argparse.Namespace) -> None:
    from scripts.files import migration_file

    for item in entries:
        file = migration_file.read_pending(item.path)
        count = len(file.up.statements)
        if options.json:
            report.event(
                "would_apply",
                database=state.name,
                version=item.version,
                filename=item.filename,
                statements=count,
                transactional=file.header.transactional,
            )
            continue
        how = "in one transaction" if file.header.transactional else "without a transaction"
        print(f"{state.name}: would apply {item.filename} ({_count(count)}, {how})")


def _count(statements: int) -> str:
    return "1 statement" if statements == 1 else f"{statements} statements"


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _migrate)


if __name__ == "__main__":
    main()
