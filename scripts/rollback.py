"""Roll back the last migration, or several, with the SQL that was stored when they were applied."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, confirmation, entry, layout, observers, report
from scripts.engine import disclosure
from scripts.engine.operations import rollback
from scripts.engine.operations.rollback import RollbackPlan, RollbackPreview, Wanted
from scripts.errors import UsageError


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/rollback.py",
            "python scripts/rollback.py --database course --to 3",
            "python scripts/rollback.py --database auth --steps 2 --yes",
        ),
    )
    arguments.add_database(parser)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--to",
        type=arguments.value,
        metavar="VERSION",
        help="the version to roll back to, or base; needs --database",
    )
    # No default: argparse would take a value that equals the default as one that was not given.
    amount.add_argument(
        "--steps",
        type=arguments.count,
        metavar="N",
        help="how many migrations to roll back (default: 1)",
    )
    help_of_partial = "roll back the half-applied file, and nothing else"
    amount.add_argument("--partial", action="store_true", help=help_of_partial)
    parser.add_argument(
        "--use-file",
        action="store_true",
        help="run the files' DOWN sections instead of the stored SQL",
    )
    parser.add_argument(
        "--drop-existing",
        action="store_true",
        help="also drop objects that existed before the migrations that are rolled back",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the SQL, without changing anything"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    arguments.add_show_values(parser)
    arguments.add_amount_of_output(parser)
    arguments.add_json(parser, "one object per event")
    return parser


def _rollback(options: argparse.Namespace) -> int:
    if options.to and not options.database:
        raise UsageError("--to needs --database", hint="versions differ between the databases")
    arguments.check_amount_of_output(options)
    planned = _planned(options)
    if planned.undoings:
        _show(planned, options)
        if options.dry_run:
            return 0
        _confirm(planned, options)
    with observers.chosen(
        as_json=options.json, quiet=options.quiet, verbose=options.verbose
    ) as watch:
        for one in planned.undoings:
            rollback.to(one.settings, one.target, watch, one.switches, one.seen)
        for status in () if planned.undoings else planned.statuses:
            at = f"at {status.current} on {status.server.address}"
            watch.notice(status.name, f"nothing to roll back, {at}")
    return 0


def _planned(options: argparse.Namespace) -> RollbackPlan:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    if options.to:
        arguments.environment(project, options.database, "--to")
    wanted = Wanted(
        to=options.to,
        steps=options.steps or 1,
        partial=options.partial,
        use_file=options.use_file,
        drop_existing=options.drop_existing,
    )
    return rollback.plan(arguments.settings_of(project, chosen), wanted, report.say)


def _show(planned: RollbackPlan, options: argparse.Namespace) -> None:
    for status in planned.statuses:
        name = status.name
        shown = planned.previews(name)
        if shown and not (options.json or options.quiet):
            print(f"{name}: {shown[0].server}")
        for one in shown:
            _show_one(name, one, options)


def _show_one(name: str, undo: RollbackPreview, options: argparse.Namespace) -> None:
    sql = disclosure.of_section(undo.step.section)
    if options.json:
        report.event(
            "will_roll_back" if not options.dry_run else "would_roll_back",
            database=name,
            run=None,
            version=undo.step.version,
            filename=undo.step.filename,
            sql=sql,
            server=undo.server,
            destroys=[loss._asdict() for loss in undo.losses],
        )
        return
    if options.quiet:
        return
    layout.say(f"{name}: {undo.filename}, {undo.about}")
    if options.use_file:
        stored = _indented(disclosure.of_script(undo.other_sql))
        print(f"-- stored in the ledger, will NOT run:\n{stored}")
        print(f"-- from {undo.step.place}, will run:")
    print(_indented(sql))
    for loss in undo.losses:
        print(f"  destroys {loss.shown}")


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in (sql or "-- nothing").splitlines())


def _confirm(planned: RollbackPlan, options: argparse.Namespace) -> None:
    if options.yes:
        return
    shown = [one for status in planned.statuses for one in planned.previews(status.name)]
    what = "this migration" if len(shown) == 1 else f"these {len(shown)} migrations"
    where = " and ".join(dict.fromkeys(one.server for one in shown))
    confirmation.ask(f"Roll back {what} on {where}", "nothing was rolled back")


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _rollback)


if __name__ == "__main__":
    main()
