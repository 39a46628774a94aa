"""Apply pending migrations: of all databases, of one, up to a version, or one file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine.operations import overview, upgrade
from scripts.engine.safeguards import sharing
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files import migration_file
from scripts.files.history import Entry
from scripts.files.project import Environment, Project


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
        help="apply this file, a name or a path, if it is the next one",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would run, change nothing")
    arguments.add_show_values(parser)
    arguments.add_json(parser, "one object per event")
    return parser


def _migrate(options: argparse.Namespace) -> int:
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    if options.file:
        owner, options.file = _owner(project, chosen, options.file)
        chosen = (owner,)
    states = [overview.look(project, environment, report.say) for environment in chosen]
    sharing.check(states, project.environments)
    todo = [(state, _pending(state, options)) for state in states]
    for state, entries in todo if options.dry_run else todo[1:]:
        # Each run reads its own files first; a later database's must not fail after an earlier ran.
        upgrade.check_files(state, entries)
    for state, entries in todo:
        if not entries:
            _say_nothing_to_do(state, options)
        elif options.dry_run:
            _preview(state, entries, options)
        else:
            watch = report.observer(as_json=options.json)
            upgrade.run(project, state.history.environment, entries[-1].version, watch)
    return 0


def _pending(state: Status, options: argparse.Namespace) -> tuple[Entry, ...]:
    if not options.file:
        return upgrade.to_apply(state, options.to)
    pending = upgrade.to_apply(state, None)
    names = [entry.filename for entry in pending]
    if options.file not in names:
        return ()
    position = names.index(options.file)
    if position:
        raise UsageError(
            f"{state.name}: {options.file} is not the next migration",
            detail="before it comes:\n" + "\n".join(names[:position]),
            way_out=f"apply those first, or all: python scripts/migrate.py --database "
            f"{state.name} --to {pending[position].version}",
        )
    return pending[:1]


def _owner(project: Project, chosen: tuple[Environment, ...], file: str) -> tuple[Environment, str]:
    """Return the environment that has a file, given by name or path, and the file's name."""
    folder, filename = os.path.split(file)
    # A path is what create.py and validate.py print: from where people stand, or from the root.
    starts = (Path.cwd(), project.root) if folder else ()
    folders = {os.path.realpath(start / folder) for start in starts}
    owners = [
        environment
        for environment in chosen
        if (not folder or os.path.realpath(environment.sql) in folders)
        and _has(environment, filename)
    ]
    if len(owners) == 1:
        return owners[0], filename
    names = ", ".join(f"sql/{environment.name}" for environment in owners or chosen)
    if owners:
        raise UsageError(f"{filename} is in {names}", way_out="choose one with --database")
    raise UsageError(f"there is no {file} in {names}")


def _has(environment: Environment, filename: str) -> bool:
    return environment.sql.is_dir() and filename in {
        path.name for path in environment.sql.iterdir()
    }


def _say_nothing_to_do(state: Status, options: argparse.Namespace) -> None:
    watch = report.observer(as_json=options.json)
    if options.file:
        watch.notice(state.name, f"{options.file} is applied already")
    elif state.ahead:
        versions = ", ".join(applied.row.version for applied in state.ahead)
        watch.notice(state.name, f"nothing to do; the database is ahead of this code by {versions}")
    else:
        watch.notice(state.name, f"nothing to do, at {state.current}")


def _preview(state: Status, entries: tuple[Entry, ...], options: argparse.Namespace) -> None:
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
