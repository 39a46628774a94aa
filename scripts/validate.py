"""Check migrations before they are merged: the files, and with --live what is in the ledgers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import git, rules, validation
from scripts.checks.static.suite import Checked, Scope
from scripts.checks.validation import Wanted
from scripts.console import arguments, entry, findings, report
from scripts.errors import HistoryError, UsageError
from scripts.files import history

_FILES = ("names", "format", "sql", "released", "site")


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/validate.py",
            "python scripts/validate.py --base origin/main --strict --format github",
            "python scripts/validate.py --explain not-repeatable",
        ),
    )
    arguments.add_database(parser)
    parser.add_argument(
        "--base",
        type=arguments.value,
        metavar="GIT_REF",
        help="look at what is new since this branch, and whether what it has is unchanged",
    )
    parser.add_argument(
        "--since",
        type=arguments.value,
        metavar="VERSION",
        help="look at what is above this version",
    )
    parser.add_argument(
        "--select", action="append", default=[], metavar="CODE", help="only these (or beginnings)"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="CODE", help="not these (or beginnings)"
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="look at each database's ledger, and for invalid indexes and constraints, too; "
        "tables and columns are not compared; reads only",
    )
    parser.add_argument("--strict", action="store_true", help="warnings fail the check too")
    parser.add_argument(
        "--format", choices=findings.FORMATS, default="text", help="text by default"
    )
    parser.add_argument(
        "--explain", metavar="CODE", help="print the page of a code, and do nothing"
    )
    return parser


def _validate(options: argparse.Namespace) -> int:
    if options.explain:
        print(rules.markdown(rules.get(options.explain)))
        return 0
    wanted = Wanted(select=options.select, ignore=options.ignore)
    wanted.check()
    project = arguments.this_project()
    if options.since:
        _check_version(options.since)
    base = git.base(project.root, options.base) if options.base else None
    scope = Scope(base=base, since=options.since or "")
    environments = arguments.environments(project, options.database)
    scope.check(environments)
    checked = validation.files(environments, scope)
    if options.live:
        validation.live(arguments.settings_of(project, environments), checked, report.say)
    found = validation.findings(checked, wanted, (*_FILES, *(["live"] if options.live else [])))
    findings.FORMATS[options.format](found, _looked_at(checked, options))
    return int(validation.fails(found, strict=options.strict))


def _check_version(since: str) -> None:
    try:
        history.number(since)
    except HistoryError as error:
        raise UsageError(error.what, way_out="give --since the last released one") from error


def _looked_at(checked: list[Checked], options: argparse.Namespace) -> str:
    count = sum(len(one.chosen) for one in checked)
    names = ", ".join(one.environment.name for one in checked)
    parts = [
        f"{count} migrations",
        f"and the databases {names}" if options.live else "files only",
        "" if options.base else "no --base, so none was taken as released",
    ]
    return ", ".join(part for part in parts if part)


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _validate)


if __name__ == "__main__":
    main()
