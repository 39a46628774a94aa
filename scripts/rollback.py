"""Roll back the last migration, or several, with the SQL that was stored when they were applied."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine import operations
from scripts.engine.ledger.state import State
from scripts.engine.operations import Undo
from scripts.errors import UsageError
from scripts.files.project import Project
from scripts.files.redaction import masked


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
        "--to", metavar="VERSION", help="the version to go back to, or base; needs --database"
    )
    amount.add_argument(
        "--steps", type=arguments.count, default=1, metavar="N", help="how many (1)"
    )
    parser.add_argument(
        "--use-file",
        action="store_true",
        help="run the files' DOWN instead of the stored SQL, for when that is broken",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the SQL, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask, as in CI")
    arguments.add_json(parser, "one object per event")
    return parser


def _rollback(options: argparse.Namespace) -> int:
    if options.to and not options.database:
        raise UsageError("--to needs --database", way_out="versions differ between the databases")
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    states = {one.name: operations.look(project, one, report.say) for one in chosen}
    wanted = _choose(states, options)
    if not wanted:
        for state in states.values():
            report.observer(as_json=options.json).notice(
                state.name, f"nothing to roll back, at {state.current}"
            )
        return 0
    undos = _show(project, states, wanted, options)
    if not options.dry_run:
        _confirm(len(wanted), options)
        _run(project, states, wanted, undos, options)
    return 0


def _choose(states: dict[str, State], options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return environment and version of each migration to be rolled back, the first one first."""
    if options.to:
        [(name, state)] = states.items()
        floor = _floor(state, options.to)
        return [(name, one.row.version) for one in reversed(state.applied) if one.number > floor]
    applied = [
        (one.row.applied_at, one.number, name, one.row.version)
        for name, state in states.items()
        for one in state.applied
    ]
    if options.database:
        applied.sort(key=lambda item: item[1], reverse=True)
    else:
        applied.sort(reverse=True)
    return [(name, version) for _, _, name, version in applied[: options.steps]]


def _floor(state: State, to: str) -> int:
    if to == "base":
        return -1
    found = state.find(to) if to.isascii() and to.isdigit() else None
    if found is None:
        raise UsageError(
            f"{state.name}: {to} is not an applied version",
            detail=f"applied: {', '.join(one.row.version for one in state.applied) or 'none'}",
            way_out="give one of these, or base",
        )
    return found.number


def _show(
    project: Project,
    states: dict[str, State],
    wanted: list[tuple[str, str]],
    options: argparse.Namespace,
) -> dict[str, list[Undo]]:
    shown = {}
    for name, state in states.items():
        versions = {version for of, version in wanted if of == name}
        applied = [one for one in reversed(state.applied) if one.row.version in versions]
        if not applied:
            continue
        environment = state.history.environment
        shown[name] = operations.undo(
            project, environment, applied, report.say, use_file=options.use_file
        )
        for undo in shown[name]:
            _show_one(name, undo, options)
    return shown


def _show_one(name: str, undo: Undo, options: argparse.Namespace) -> None:
    sql = masked(undo.work.section.text.strip())
    if options.json:
        report.event(
            "will_roll_back" if not options.dry_run else "would_roll_back",
            database=name,
            version=undo.work.version,
            filename=undo.work.filename,
            sql=sql,
        )
        return
    row = undo.applied.row
    print(f"{name}: {row.filename}, applied {report.moment(row.applied_at)} by {row.applied_by}")
    if options.use_file:
        print(
            f"-- stored in the ledger, will NOT run:\n{_indented(masked(undo.other_sql.strip()))}"
        )
        print(f"-- from {undo.work.place}, will run:")
    print(_indented(sql))


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in (sql or "-- nothing").splitlines())


def _confirm(count: int, options: argparse.Namespace) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask on",
            state="nothing was rolled back",
            way_out="add --yes",
        )
    what = "this migration" if count == 1 else f"these {count} migrations"
    sys.stderr.write(f"Roll back {what}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed", state="nothing was rolled back")


def _run(
    project: Project,
    states: dict[str, State],
    wanted: list[tuple[str, str]],
    undos: dict[str, list[Undo]],
    options: argparse.Namespace,
) -> None:
    watch = report.observer(as_json=options.json)
    for name, group in itertools.groupby(wanted, key=lambda item: item[0]):
        state = states[name]
        versions = [version for _, version in group]
        shown = {undo.work.version: undo for undo in undos[name]}
        operations.downgrade(
            project,
            state.history.environment,
            state.below(versions[-1]),
            watch,
            use_file=options.use_file,
            confirmed=[shown[version] for version in versions],
        )


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _rollback)


if __name__ == "__main__":
    main()
