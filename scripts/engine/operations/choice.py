"""Which database a file is of, and which migrations a rollback takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files.project import Environment, Project


def owner(project: Project, chosen: Sequence[Environment], file: str) -> tuple[Environment, str]:
    """Return the environment that has a file, and the file's name.

    Args:
        project: the checkout.
        chosen: the environments that may have it.
        file: its name, or a path as create.py and validate.py print it: from where people stand, or
            from the root.

    Raises:
        UsageError: when none has it, or several do.
    """
    folder, filename = os.path.split(file)
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
        raise UsageError(f"{filename} is in {names}", hint="add --database to choose one")
    raise UsageError(f"there is no {file} in {names}")


def _has(environment: Environment, filename: str) -> bool:
    return environment.sql.is_dir() and filename in {
        path.name for path in environment.sql.iterdir()
    }


def choose(
    states: Mapping[str, Status], *, to: str | None, steps: int, partial: bool
) -> list[tuple[str, str]]:
    """Choose the migrations to be rolled back.

    Args:
        states: the databases, by name; several go back in the order of application.
        to: the version to go back to, or "base"; there is one database then.
        steps: how many, where `to` is None.
        partial: the file that is half applied instead.

    Returns:
        Environment and version of each, the first one to go first.

    Raises:
        UsageError: for what is not applied, or not half applied.
    """
    if partial:
        return _half_applied(states)
    if to:
        [(name, state)] = states.items()
        floor = _floor(state, to)
        return [(name, one.row.version) for one in reversed(state.applied) if one.number > floor]
    _check_steps(states, steps)
    if len(states) == 1:
        [(name, state)] = states.items()
        last = state.applied[max(0, len(state.applied) - steps) :]
        return [(name, one.row.version) for one in reversed(last)]
    applied = [
        (one.row.applied_at, one.number, name, one.row.version)
        for name, state in states.items()
        for one in state.applied
    ]
    applied.sort(reverse=True)
    return [(name, version) for _, _, name, version in applied[:steps]]


def _half_applied(states: Mapping[str, Status]) -> list[tuple[str, str]]:
    begun = [
        (name, state.half_applied.version) for name, state in states.items() if state.half_applied
    ]
    if not begun:
        raise UsageError(
            f"no file is half applied in {', '.join(states)}",
            detail="according to the event log",
            state="nothing was rolled back",
            hint="`python scripts/status.py` shows what is applied",
        )
    if len(begun) > 1:
        raise UsageError(
            f"{' and '.join(name for name, _ in begun)} each have a half-applied file",
            hint="add --database to choose one",
        )
    return begun


def _check_steps(states: Mapping[str, Status], steps: int) -> None:
    """With nothing applied, one step (the default) succeeds; more steps are refused."""
    count = sum(len(state.applied) for state in states.values())
    if steps > max(count, 1):
        is_are = "is" if count == 1 else "are"
        raise UsageError(
            f"--steps {steps} is more than the {count} that {is_are} applied",
            detail="\n".join(
                f"{name} is at {state.current}, {len(state.applied)} applied"
                for name, state in states.items()
            ),
            state="nothing was rolled back",
            hint=f"--steps {count} rolls back all of them" if count else "leave --steps out",
        )


def _floor(state: Status, to: str) -> int:
    if to == "base":
        return -1
    found = state.find(to) if to.isascii() and to.isdigit() else None
    if found is None:
        raise UsageError(
            f"{to} is not an applied version",
            environment=state.name,
            detail=f"applied: {', '.join(one.row.version for one in state.applied) or 'none'}",
            hint="give one of these, or base",
        )
    return found.number
