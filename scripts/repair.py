"""Put a ledger right where it is known what it should say; without --yes only show it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.checks import git, validation
from scripts.console import arguments, entry, layout, observers, report
from scripts.engine.operations import overview, repair, repairable
from scripts.engine.operations.repair import Repair
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import UsageError, counted, printable
from scripts.files import history
from scripts.files.history import Entry


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser(
        __doc__,
        (
            "python scripts/repair.py",
            "python scripts/repair.py --database course --yes",
            "python scripts/repair.py --database course --yes --accept 004 "
            '--reason "the index was renamed by hand"',
        ),
    )
    arguments.add_database(parser)
    parser.add_argument("--yes", action="store_true", help="change the ledger")
    parser.add_argument(
        "--accept",
        action="append",
        type=arguments.value,
        metavar="VERSION",
        help="take the file as it is now for what was applied, whatever speaks against it; "
        "repeatable; needs --database and --reason",
    )
    parser.add_argument(
        "--reason",
        type=arguments.value,
        metavar="TEXT",
        help="why that is right; it goes to the event log",
    )
    arguments.add_shadow_url(parser)
    return parser


def _repair(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    accepted = _accepted(options)
    if accepted:
        arguments.environment(project, options.database, "--accept")
    left = 0
    for settings in arguments.settings_of(project, chosen):
        found = overview.status(settings, report.say)
        repairs = _found(settings, found, options.shadow_url or "")
        _check_accepted(settings, accepted, repairs)
        due = [one for one in repairs if not one.doubt or _is_among(one.version, accepted)]
        open_ones = [one for one in repairs if one not in due]
        at = ""
        if due and options.yes:
            with observers.chosen() as watch:
                at = repair.make(settings, due, found, options.reason or "", watch)
        _show(settings.name, due, open_ones, at=at)
        left += len(open_ones)
    return 1 if left else 0


def _accepted(options: argparse.Namespace) -> Sequence[str]:
    accepted: Sequence[str] = options.accept or ()
    if bool(accepted) != bool(options.reason):
        given, missing = ("--accept", "--reason") if accepted else ("--reason", "--accept")
        raise UsageError(f"{given} needs {missing}", hint="the event log keeps who did it and why")
    if accepted and not options.database:
        raise UsageError("--accept needs --database", hint="versions differ between the databases")
    for version in accepted:
        history.number(version)
    return accepted


def _found(settings: Settings, found: Status, url: str) -> list[Repair]:
    def texts(of: Entry, name: str) -> Sequence[bytes]:
        return git.texts(of.folder, name)

    def differences(versions: Sequence[str]) -> Sequence[str]:
        compared = validation.differences(settings, versions, url, report.say)
        return [one.message for one in validation.differing(compared)]

    return repairable.find(settings, found, texts, differences, report.say)


def _check_accepted(settings: Settings, accepted: Sequence[str], repairs: Sequence[Repair]) -> None:
    for version in accepted:
        about = next((one for one in repairs if _is_among(one.version, [version])), None)
        if about is None or about.impossible:
            raise UsageError(
                f"{version} cannot be accepted: "
                + (about.doubt if about else "nothing about it has to be put right"),
                environment=settings.name,
                state="nothing was changed",
                hint="`python scripts/repair.py` without --accept lists what has to be",
            )


def _is_among(version: str, accepted: Sequence[str]) -> bool:
    return any(history.number(one) == history.number(version) for one in accepted)


def _show(name: str, due: Sequence[Repair], open_ones: Sequence[Repair], *, at: str) -> None:
    """Print what was found; `at` is where the ledger is if it was changed."""
    if not due and not open_ones:
        print(f"{name}: nothing to put right")
    for one in due:
        layout.say(printable(f"{name}: {one.version} {one.change}: {one.why}"))
    if due:
        count = counted(len(due), "change")
        done = f"{count} made, noted in the event log; at {at}"
        print(f"{name}: {done if at else 'nothing was changed; add --yes to do it'}")
    for one in open_ones:
        layout.say(printable(f"{name}: {one.version} is left: {one.why}; {one.doubt}"))
        for line in one.detail.splitlines():
            print(f"  {printable(line)}")
        if not one.impossible:
            print(f"  with --accept {one.version} --reason TEXT {one.change}")


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _repair)


if __name__ == "__main__":
    main()
