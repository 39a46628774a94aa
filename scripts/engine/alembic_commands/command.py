"""What Alembic is asked for: its own function for a command finds the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory

from scripts.engine.alembic_commands import unknown_revisions
from scripts.engine.ledger import alembic_version
from scripts.engine.reported import Direction
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.plan import Move
from scripts.engine.status import Status
from scripts.errors import HistoryError, UsageError

Planned = Callable[[Any, MigrationContext], Iterable[MigrationStep]]
"""Alembic's function for a command: from the heads that the database is at to the steps to take."""


class AlembicCommand(Command):
    """A command of Alembic's, whose target may be "head", "+2", "-1", several versions, or none."""

    def __init__(
        self,
        kind: Kind,
        target: Any,
        planned: Planned,
        directory: ScriptDirectory,
        context: MigrationContext,
    ) -> None:
        """Keep what Alembic has given.

        Args:
            kind: what is asked for.
            target: where to.
            planned: finds the steps.
            directory: Alembic's revisions.
            context: Alembic's, with its options.
        """
        super().__init__(kind, target)
        self.planned = planned
        self.directory = directory
        self.context = context

    @classmethod
    def of(cls, context: MigrationContext, directory: ScriptDirectory) -> AlembicCommand:
        """Recognise the command by Alembic's function, or by pytest-alembic's of the same name.

        Args:
            context: Alembic's, with its options.
            directory: Alembic's revisions.
        """
        planned = context.opts["fn"]
        name = getattr(planned, "__name__", "")
        kind = next((kind for kind in Kind if kind.value == name), Kind.INSPECT)
        return cls(kind, context.opts.get("destination_rev"), planned, directory, context)

    def prepare(self, found: Status, *, idle: bool) -> None:
        """Complete Alembic's map of revisions; see `Command.prepare`."""
        super().prepare(found, idle=idle)
        unknown_revisions.add(self.directory, found)

    def above(self, found: Status) -> int:  # noqa: ARG002 - as `Command` has it
        """Check all files: Alembic loads them all; see `Command.above`."""
        return -1

    def moves(self, found: Status) -> list[Move]:
        """Let Alembic find the steps; see `Command.moves`.

        Raises:
            CommandError: when there is no way to the target.
            HistoryError: when it leads over a version that was never applied.
        """
        planned = moves(self.planned(found.alembic_heads, self.context))
        return [
            _down(found, move) if move.direction is Direction.DOWN else move for move in planned
        ]

    def check_target(self, found: Status) -> None:
        """Refuse a version that Alembic would take for another, and several for a stamp.

        Alembic takes `1` as the beginning of any version: 1 could silently become 100.

        Raises:
            UsageError: with the version that was meant.
        """
        targets = [self.target] if isinstance(self.target, str) else list(self.target or ())
        begin = self.context.opts.get("starting_rev")
        if "" in (*targets, begin):
            raise UsageError("the version is empty", hint="name one, as in `upgrade head`")
        if self.kind is Kind.STAMP and len(targets) > 1:
            raise UsageError(
                f"a stamp takes one version, but several are given: {', '.join(map(str, targets))}",
                detail="all versions below it are stamped with it",
                hint=f"alembic -n {found.name} stamp {targets[-1]}",
            )
        for version in targets:
            entry = found.history.find(version) if _is_number(version) else None
            if entry and entry.version != version:
                raise UsageError(
                    "Alembic needs the full version",
                    hint=f"did you mean {entry.version}?",
                )


def _down(found: Status, move: Move) -> Move:
    """Hold a step against the ledger: Alembic counts along the files.

    Raises:
        HistoryError: when the version was never applied.
    """
    if found.find(move.version) is None:
        raise HistoryError(
            f"{move.version} was never applied, so it cannot be rolled back",
            detail=f"applied: {', '.join(one.row.version for one in found.applied) or 'none'}",
            hint="name the version to go back to",
        )
    return move._replace(reached=found.below(move.version))


def moves(steps: Iterable[MigrationStep]) -> list[Move]:
    """Return Alembic's steps as ours."""
    return [
        Move(
            step.revision.revision,
            Direction.UP if step.is_upgrade else Direction.DOWN,
            next(iter(step.to_revisions), alembic_version.BASE),
            step.migration_fn,
        )
        for step in steps
        if isinstance(step, RevisionStep)
    ]


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit()
