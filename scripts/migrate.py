"""Apply pending migrations to all databases or to one, up to a version, or apply one file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, observers, report
from scripts.engine.observer import Observer
from scripts.engine.operations import upgrade
from scripts.engine.operations.upgrade import Pending
from scripts.engine.status import Status
from scripts.errors import UsageError, counted


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/migrate.py",
            "python scripts/migrate.py --database course --to 3 --dry-run",
            "python scripts/migrate.py --dry-run --execute",
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
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--sql",
        action="store_true",
        help="with --dry-run: print the bare SQL, nothing hidden, without the ledger's; for a "
        "script that psql can run use `alembic -n NAME upgrade head --sql`",
    )
    how.add_argument(
        "--execute",
        action="store_true",
        help="with --dry-run: run it in one transaction, and take that back; it takes real locks",
    )
    arguments.add_show_values(parser)
    arguments.add_amount_of_output(parser)
    arguments.add_json(parser, "one object per event")
    return parser


def _migrate(options: argparse.Namespace) -> int:
    _check(options)
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
    with observers.chosen(
        as_json=options.json, quiet=options.quiet, verbose=options.verbose
    ) as watch:
        for pending in planned:
            if pending.is_idle or (options.dry_run and not pending.entries):
                watch.notice(pending.status.name, _nothing_to_do(pending.status, options))
            elif options.dry_run and options.execute:
                _try(pending, watch)
            elif options.dry_run:
                from scripts.console import preview

                preview.show(pending, as_json=options.json, as_sql=options.sql)
            else:
                upgrade.to(pending.settings, pending.target, watch, pending.status)
    return 0


def _check(options: argparse.Namespace) -> None:
    for name in ("sql", "execute"):
        if getattr(options, name) and not options.dry_run:
            raise UsageError(f"--{name} needs --dry-run", hint=f"migrate.py --dry-run --{name}")
    arguments.check_amount_of_output(options)
    if options.sql and options.json:
        raise UsageError("--sql and --json are two forms of the same", hint="give one of them")


def _nothing_to_do(state: Status, options: argparse.Namespace) -> str:
    at = f"on {state.server.address}"
    if options.file:
        return f"{options.file} is already applied {at}"
    if state.ahead:
        versions = ", ".join(applied.row.version for applied in state.ahead)
        return f"nothing to do; the database is ahead of this code by {versions}, {at}"
    return f"nothing to do, at {state.current} {at}"


def _try(pending: Pending, watch: Observer) -> None:
    from scripts.engine.operations import trial

    name, address = pending.status.name, pending.status.server.address
    count = counted(len(pending.entries), "migration")
    watch.notice(
        name,
        f"trying {count} on {address}: it takes the locks that they take, in one transaction that "
        "is taken back",
    )
    tried = trial.run(pending, watch)
    ran = counted(len(tried.results), "migration")
    watch.notice(name, f"{ran} ran, and everything was taken back")
    if tried.left:
        first = tried.left[0].filename
        watch.notice(name, f"not tried from {first} on: {tried.reason}")


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _migrate)


if __name__ == "__main__":
    main()
