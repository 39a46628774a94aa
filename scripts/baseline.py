"""Bring in a database that something else has migrated: compare it, then write its ledger."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import validation
from scripts.checks.finding import Extent, Finding
from scripts.console import arguments, confirmation, entry, findings, layout, observers, report
from scripts.engine import settings as settings_module
from scripts.engine.operations import baseline
from scripts.engine.operations.baseline import Baseline, Wanted
from scripts.engine.settings import Settings
from scripts.errors import LedgerError, counted
from scripts.files.project import shown

_UNTOUCHED = "nothing was changed"


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/baseline.py --database course --at 003",
            "python scripts/baseline.py --database course",
            "python scripts/baseline.py --database course --at 003 "
            '--accept-differences "the audit tables are moved next week"',
        ),
    )
    arguments.add_database(parser, required=True)
    parser.add_argument(
        "--at",
        type=arguments.value,
        metavar="VERSION",
        help="the last migration whose effect the database has; 3 means 003 (default: where the "
        "ledger of an earlier tool is)",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=arguments.value,
        metavar="TABLE",
        help="the ledger of an earlier tool, where it has another name than ours",
    )
    parser.add_argument(
        "--accept-differences",
        type=arguments.value,
        metavar="REASON",
        help="write the ledger although the database differs from what the migrations make; the "
        "reason goes to the event log",
    )
    arguments.add_shadow_url(parser)
    parser.add_argument(
        "--yes", action="store_true", help="take over an earlier ledger without asking"
    )
    return parser


def _baseline(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    environment = arguments.environment(project, options.database, "baseline.py")
    (settings,) = arguments.settings_of(project, [environment])
    source = settings_module.table_name(options.source, "--from") if options.source else None
    planned = baseline.plan(settings, Wanted(options.at, source), report.say)
    differing = _compared(settings, planned, options.shadow_url or "")
    if differing and not options.accept_differences:
        raise LedgerError(
            f"the database is not what the migrations up to {planned.versions[-1]} make: "
            f"{counted(len(differing), 'difference')}",
            environment=environment.name,
            state=_UNTOUCHED,
            hint="give the --at that fits, name what is not the migrations' as ignore in "
            "alembic.ini, or accept it with --accept-differences REASON",
        )
    if planned.earlier:
        _say_takeover(planned)
        if not options.yes:
            confirmation.ask(f"Take it over in {environment.name}", _UNTOUCHED)
    accepted = options.accept_differences or "" if differing else ""
    with observers.chosen() as watch:
        baseline.to(settings, planned, watch, accepted)
    count = counted(len(planned.entries), "migration")
    print(f"{environment.name}: at {planned.versions[-1]}; wrote {count}, nothing was run")
    return 0


def _compared(settings: Settings, planned: Baseline, url: str) -> list[Finding]:
    """Show what is not as the migrations make it, and return what has to be accepted."""
    found = [
        Finding(
            code="live-changed",
            database=settings.name,
            path=shown(one.entry.path),
            message=one.what,
            detail=one.detail,
        )
        for one in planned.mismatches
    ]
    found += validation.differences(settings, planned.versions, url, report.say)
    if found:
        count = len(planned.entries)
        findings.text(found, Extent(migrations=count, databases=(settings.name,), live=True))
    return validation.differing(found)


def _say_takeover(planned: Baseline) -> None:
    layout.say(f"an earlier tool's ledger is there: {planned.earlier}")
    if planned.kept:
        layout.say(
            f"it will be renamed to {planned.kept}, and {planned.table} be made in its place"
        )
    else:
        layout.say(f"it stays as it is; {planned.table} will be made")
    count = counted(len(planned.entries), "migration")
    layout.say(
        f"{count} will be written there, with the times at which they were applied, if known"
    )


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _baseline)


if __name__ == "__main__":
    main()
