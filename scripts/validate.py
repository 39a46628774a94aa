"""Check migrations before they are merged: the files, with --shadow by running each, and more."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import git, rules, validation
from scripts.checks.finding import Extent
from scripts.checks.static.suite import Checked, Scope
from scripts.checks.validation import Wanted
from scripts.console import arguments, entry, findings, progress, report, summary
from scripts.engine import settings
from scripts.errors import HistoryError, UsageError
from scripts.files import history
from scripts.files.project import Project

_FILES = ("names", "format", "sql", "released", "site")


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/validate.py",
            "python scripts/validate.py --base origin/main --strict --format github",
            "python scripts/validate.py --shadow --base origin/main",
            "python scripts/validate.py --explain not-repeatable",
        ),
    )
    arguments.add_database(parser)
    parser.add_argument(
        "--base",
        type=arguments.value,
        metavar="GIT_REF",
        help="the branch that these changes will be merged into, such as origin/main: check only "
        "new files, and that released files are unchanged",
    )
    parser.add_argument(
        "--since",
        type=arguments.value,
        metavar="VERSION",
        help="check only files above this version",
    )
    _add_choices(parser)
    _add_shadow(parser)
    parser.add_argument(
        "--live",
        action="store_true",
        help="also check each database: its ledger, invalid indexes and constraints, and drift, "
        "which is what differs from a shadow with the same migrations; nothing is written",
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="for what is pending in each database: what each statement will lock, rewrite and "
        "scan there, how large that is, and who is in the way now; nothing is written",
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument(
        "--format", choices=findings.FORMATS, default="text", help="output format (default: text)"
    )
    parser.add_argument(
        "--sarif",
        type=arguments.output,
        metavar="FILE",
        help="also write the findings to this file, for code scanning",
    )
    parser.add_argument(
        "--summary",
        type=arguments.output,
        metavar="FILE",
        help="append findings and locks to this file as Markdown, such as $GITHUB_STEP_SUMMARY",
    )
    parser.add_argument(
        "--explain", metavar="CODE", help="explain a check, with examples, and exit"
    )
    return parser


def _add_shadow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shadow",
        action="store_true",
        help="also run each migration up, up, down, down and up on a throwaway database, and "
        "compare its whole catalog",
    )
    arguments.add_shadow_url(parser)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="CODE",
        help="report only this check, or all checks whose codes begin with it; repeatable",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="do not report this check, or checks whose codes begin with it; repeatable",
    )


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
    groups, proven = _run_levels(options, project, checked)
    found = validation.findings(checked, wanted, groups)
    touches = [touch for one in checked for touch in one.touches]
    looked_at = _looked_at(checked, options, proven)
    findings.FORMATS[options.format](found, looked_at, touches)
    if options.sarif:
        options.sarif.write_text(findings.sarif(found, looked_at), encoding="utf-8")
    if options.summary:
        summary.append(options.summary, found, looked_at, touches)
    return int(validation.fails(found, strict=options.strict))


def _run_levels(
    options: argparse.Namespace, project: Project, checked: list[Checked]
) -> tuple[list[str], int]:
    """Run what needs a server; return the groups of checks that were run, and how many proofs."""
    url, proven = options.shadow_url or "", 0
    groups, environments = list(_FILES), [one.environment for one in checked]
    if _proves(options):
        groups.append("shadow")
        unset = [settings.load(project, one, need_url=False) for one in environments]
        with progress.shown() as told:
            proven = validation.shadow(unset, checked, url, report.say, told)
    if _asks(options):
        groups.append("live")
        databases = arguments.settings_of(project, environments)
        if options.live:
            validation.live(databases, checked, url, report.say)
        if options.plan:
            validation.plan(databases, checked, url, report.say)
    return groups, proven


def _asks(options: argparse.Namespace) -> bool:
    """Tell whether live databases are asked."""
    return bool(options.live or options.plan)


def _proves(options: argparse.Namespace) -> bool:
    """Tell whether migrations are proven; a server for shadows alone means that."""
    return options.shadow or (bool(options.shadow_url) and not _asks(options))


def _check_version(since: str) -> None:
    try:
        history.number(since)
    except HistoryError as error:
        raise UsageError(
            error.what, hint="give --since the last released version, such as 004"
        ) from error


def _looked_at(checked: list[Checked], options: argparse.Namespace, proven: int) -> Extent:
    return Extent(
        migrations=sum(len(one.chosen) for one in checked),
        databases=tuple(one.environment.name for one in checked),
        proven=proven if _proves(options) else None,
        live=_asks(options),
        base=options.base,
    )


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _validate, reads_only=True)


if __name__ == "__main__":
    main()
