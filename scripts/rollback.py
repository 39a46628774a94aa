"""Roll back the last migration, or several, with the SQL that was stored when they were applied."""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this checkout, whatever else is installed

from scripts.console import arguments, entry, report
from scripts.engine import disclosure
from scripts.engine.operations import choice, overview, rollback
from scripts.engine.operations.rollback import Preview
from scripts.engine.safeguards import half_applied, sharing
from scripts.engine.safeguards.agreement import check_agreement
from scripts.engine.status import Status
from scripts.engine.switches import Switches
from scripts.errors import UsageError
from scripts.files import history
from scripts.files.project import Project


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
        help="the version to go back to, or base; needs --database",
    )
    # Without a default: argparse takes a value that is the default for one that was not given.
    amount.add_argument("--steps", type=arguments.count, metavar="N", help="how many (1)")
    amount.add_argument(
        "--partial",
        action="store_true",
        help="roll back the file that is half applied, and nothing else",
    )
    parser.add_argument(
        "--use-file",
        action="store_true",
        help="run the files' DOWN instead of the stored SQL, for when that is broken",
    )
    parser.add_argument(
        "--drop-existing",
        action="store_true",
        help="drop also what was there before the migrations that are rolled back",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the SQL, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask, as in CI")
    arguments.add_show_values(parser)
    arguments.add_json(parser, "one object per event")
    return parser


def _rollback(options: argparse.Namespace) -> int:
    if options.to and not options.database:
        raise UsageError("--to needs --database", way_out="versions differ between the databases")
    project = arguments.this_project()
    chosen = arguments.environments(project, options.database)
    if options.to:
        arguments.environment(project, options.database, "--to")
    states = {one.name: overview.look(project, one, report.say) for one in chosen}
    sharing.check(list(states.values()), project.environments)
    for state in states.values():
        # What was applied last can't be told of a database whose ledger is gone.
        check_agreement(state)
    wanted = choice.choose(states, to=options.to, steps=options.steps or 1, partial=options.partial)
    if not wanted:
        for state in states.values():
            half_applied.refuse(state)
            report.observer(as_json=options.json).notice(
                state.name, f"nothing to roll back, at {state.current}"
            )
        return 0
    undos = _show(project, states, wanted, options)
    if not options.dry_run:
        _confirm(undos, options)
        _run(project, states, wanted, undos, options)
    return 0


def _show(
    project: Project,
    states: dict[str, Status],
    wanted: list[tuple[str, str]],
    options: argparse.Namespace,
) -> dict[str, list[Preview]]:
    shown = {}
    for name, state in states.items():
        versions = {version for of, version in wanted if of == name}
        applied = [one for one in reversed(state.applied) if one.row.version in versions]
        if not versions:
            continue
        environment = state.history.environment
        shown[name] = rollback.preview(
            project,
            environment,
            applied,
            report.say,
            use_file=options.use_file,
            drop_existing=options.drop_existing,
            partial=options.partial,
        )
        if not options.json:
            print(f"{name}: {shown[name][0].server}")
        for undo in shown[name]:
            _show_one(name, undo, options)
    return shown


def _show_one(name: str, undo: Preview, options: argparse.Namespace) -> None:
    sql = disclosure.of_script(undo.work.section.text)
    if options.json:
        report.event(
            "will_roll_back" if not options.dry_run else "would_roll_back",
            database=name,
            version=undo.work.version,
            filename=undo.work.filename,
            sql=sql,
            server=undo.server,
            destroys=[asdict(loss) for loss in undo.losses],
        )
        return
    print(f"{name}: {undo.filename}, {undo.about}")
    if options.use_file:
        stored = _indented(disclosure.of_script(undo.other_sql))
        print(f"-- stored in the ledger, will NOT run:\n{stored}")
        print(f"-- from {undo.work.place}, will run:")
    print(_indented(sql))
    for loss in undo.losses:
        print(f"  destroys {loss.shown}")


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in (sql or "-- nothing").splitlines())


def _confirm(undos: dict[str, list[Preview]], options: argparse.Namespace) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask on",
            state="nothing was rolled back",
            way_out="add --yes",
        )
    shown = [undo for own in undos.values() for undo in own]
    what = "this migration" if len(shown) == 1 else f"these {len(shown)} migrations"
    where = " and ".join(dict.fromkeys(undo.server for undo in shown))
    sys.stderr.write(f"Roll back {what} on {where}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed", state="nothing was rolled back")


def _run(
    project: Project,
    states: dict[str, Status],
    wanted: list[tuple[str, str]],
    undos: dict[str, list[Preview]],
    options: argparse.Namespace,
) -> None:
    watch = report.observer(as_json=options.json)
    for name, group in itertools.groupby(wanted, key=lambda item: item[0]):
        state = states[name]
        versions = [version for _, version in group]
        shown = {undo.work.version: undo for undo in undos[name]}
        rollback.run(
            project,
            state.history.environment,
            state.current if options.partial else state.below(versions[-1]),
            watch,
            _switches([shown[version] for version in versions], options),
        )


def _switches(undos: list[Preview], options: argparse.Namespace) -> Switches:
    steps = [undo.work for undo in undos]
    numbers = [history.number(step.version) for step in steps]
    return Switches(
        use_file=options.use_file,
        confirmed=tuple((step.version, step.section.text) for step in steps),
        drop_existing=frozenset(numbers if options.drop_existing else ()),
        partial=numbers[0] if options.partial else None,
    )


def main() -> None:
    """Run the command and end the process."""
    entry.run(_parser(), _rollback)


if __name__ == "__main__":
    main()
