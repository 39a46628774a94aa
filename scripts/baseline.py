"""Bring in a database that something else has migrated: compare it, then write its ledger."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import validation
from scripts.checks.rules import Severity
from scripts.console import arguments, entry, findings, report
from scripts.engine.operations import baseline
from scripts.errors import LedgerError


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/baseline.py --database course --at 003",
            "python scripts/baseline.py --database course --at 003 "
            '--accept-differences "the audit tables are moved next week"',
        ),
    )
    arguments.add_database(parser, required=True)
    parser.add_argument(
        "--at",
        required=True,
        type=arguments.value,
        metavar="VERSION",
        help="the last migration whose effect the database has; 3 means 003",
    )
    parser.add_argument(
        "--accept-differences",
        type=arguments.value,
        metavar="REASON",
        help="write the ledger although the database differs from what the migrations make; the "
        "reason goes to the event log",
    )
    parser.add_argument(
        "--shadow-url",
        type=arguments.value,
        metavar="URL",
        help="use this server for the comparison instead of an embedded one",
    )
    return parser


def _baseline(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    environment = arguments.environment(project, options.database, "baseline.py")
    (settings,) = arguments.settings_of(project, [environment])
    found = validation.differences(settings, options.at, options.shadow_url or "", report.say)
    differing = [one for one in found if one.severity is not Severity.NOTE or _is_unknown(one.code)]
    if found:
        findings.text(found, f"database {environment.name}")
    if differing and not options.accept_differences:
        count = findings.counted(len(differing), "object")
        raise LedgerError(
            f"the database is not what the migrations up to {options.at} make: {count}",
            environment=environment.name,
            state="nothing was changed",
            hint="give the --at that fits, name what is not the migrations' as ignore in "
            "alembic.ini, or accept it with --accept-differences REASON",
        )
    watch = report.observer(as_json=False)
    accepted = options.accept_differences or "" if differing else ""
    written = baseline.to(settings, options.at, watch, accepted)
    count = findings.counted(len(written), "migration")
    print(f"{environment.name}: at {written[-1].version}; wrote {count}, nothing was run")
    return 0


def _is_unknown(code: str) -> bool:
    return code.startswith("live-not-compar")


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _baseline)


if __name__ == "__main__":
    main()
