"""Check the migration files, and the ledger of each database whose URL is set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import files, ledger
from scripts.checks.finding import Finding, Severity
from scripts.console import arguments, entry, report
from scripts.engine import settings


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__, ("python scripts/validate.py", "python scripts/validate.py --database auth --json")
    )
    arguments.add_database(parser)
    arguments.add_json(parser, "one object with all findings")
    return parser


def _validate(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    findings: list[Finding] = []
    compared = []
    for environment in arguments.environments(project, options.database):
        findings += files.check(environment)
        if settings.load(project, environment, need_url=False).url:
            findings += ledger.check(project, environment, report.say)
            compared.append(environment.name)
    report.findings(findings, compared, as_json=options.json)
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _validate)


if __name__ == "__main__":
    main()
