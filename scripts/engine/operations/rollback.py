"""Rolls migrations back: which ones, what would run and be destroyed, and the rollback itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import boundary, reading
from scripts.engine.ledger import server, stored
from scripts.engine.ledger.partial import Partial
from scripts.engine.objects.loss import Loss
from scripts.engine.observer import Observer
from scripts.engine.operations import choice, overview
from scripts.engine.operations.overview import named
from scripts.engine.reported import StepResult
from scripts.engine.run import online
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.online import Request
from scripts.engine.safeguards import agreement, half_applied, own_tables, protection, race, sharing
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.files import history


class Wanted(NamedTuple):
    """Which rollback is asked for."""

    to: str | None = None
    """The version to go back to, or "base"; one database is given then."""
    steps: int = 1
    """How many, where `to` is None."""
    partial: bool = False
    """Roll back the file that is half applied, and nothing else."""
    use_file: bool = False
    """Run the files' DOWN instead of the SQL that the ledger stores."""
    drop_existing: bool = False
    """Whether rollbacks may drop objects that existed before their migrations."""


class RollbackPreview(NamedTuple):
    """What a rollback of one version would run, and what it would destroy."""

    step: Step
    filename: str
    about: str
    """When it was applied and by whom, or how far it got."""
    other_sql: str
    """The other of the two, stored SQL and file: "" unless the file was asked for."""
    losses: tuple[Loss, ...]
    server: str
    """User, host, port and database: "app@db.prod:5432/course"."""


class Undoing(NamedTuple):
    """What is to be rolled back in one database, in one go."""

    settings: Settings
    target: str
    """The version that the database comes to."""
    previews: tuple[RollbackPreview, ...]
    """The first one to go first."""
    switches: Switches
    seen: Status
    """What was found when it was chosen."""


class RollbackPlan(NamedTuple):
    """What is to be rolled back; nothing where nothing is applied."""

    statuses: tuple[Status, ...]
    undoings: tuple[Undoing, ...]
    """In the order in which they are run: a database may come more than once."""

    def previews(self, name: str) -> list[RollbackPreview]:
        """Return what is to be rolled back in one database, the first one to go first."""
        own = (one for one in self.undoings if one.settings.name == name)
        return [shown for one in own for shown in one.previews]


def plan(databases: Sequence[Settings], wanted: Wanted, notify: Notify) -> RollbackPlan:
    """Find out what is to be rolled back, and read what that would run, so that people can see it.

    Args:
        databases: several go back in the order in which their migrations were applied.
        wanted: which rollback.
        notify: is told when a server keeps us waiting.

    Raises:
        UsageError: for what is not applied, or a ledger that is shared.
        MigrationError: when one cannot be rolled back, or may not; see `reading.downgrade`,
            `own_tables.check`, `protection.check`, `half_applied.refuse`.
    """
    found = {one.name: overview.status(one, notify) for one in databases}
    sharing.check(list(found.values()), databases[0].project.environments)
    for status in found.values():
        # Without its ledger, nobody knows what was applied last to a database.
        with boundary.located(status.name, "nothing was changed"):
            agreement.check_agreement(status)
    chosen = choice.choose(found, to=wanted.to, steps=wanted.steps, partial=wanted.partial)
    if not chosen:
        for status in found.values():
            half_applied.refuse(status)
    previews: dict[tuple[str, str], RollbackPreview] = {}
    for settings in databases:
        versions = [version for name, version in chosen if name == settings.name]
        if versions:
            for one in preview(settings, found[settings.name], versions, wanted, notify):
                previews[settings.name, one.step.version] = one
    by_name = {one.name: one for one in databases}
    undoings = []
    for name, group in itertools.groupby(chosen, key=lambda item: item[0]):
        shown = tuple(previews[item] for item in group)
        status = found[name]
        target = status.current if wanted.partial else status.below(shown[-1].step.version)
        switches = _switches(shown, wanted)
        undoings.append(Undoing(by_name[name], target, shown, switches, status))
    return RollbackPlan(tuple(found.values()), tuple(undoings))


def to(
    settings: Settings,
    version: str,
    observer: Observer,
    switches: Switches = NO_SWITCHES,
    seen: Status | None = None,
) -> tuple[StepResult, ...]:
    """Roll a database back to a version, or to "base".

    Args:
        settings: whose database.
        version: where to go back to; with `switches.partial`, where the database is.
        observer: is told what happens.
        switches: the choices of the run; `confirmed` holds it to what people were shown.
        seen: what `plan` has found; None to look.

    Returns:
        The migrations that were rolled back, in the order in which they went.

    Raises:
        MigrationError: when anything prevents the run; `state` says how far it got.
    """
    return online.run(
        Request(
            settings=settings,
            command=Command(Kind.DOWNGRADE, version),
            observer=observer,
            switches=switches,
            seen=seen,
        )
    )


def preview(
    settings: Settings,
    found: Status,
    versions: Sequence[str],
    wanted: Wanted,
    notify: Notify,
) -> list[RollbackPreview]:
    """Read what rolling back migrations of one database would run.

    Args:
        settings: whose database.
        found: what it was when the migrations were chosen.
        versions: the first one to go first.
        wanted: which rollback.
        notify: is told when the server keeps us waiting.

    Raises:
        MigrationError: see `plan`.
    """
    tell = named(notify, settings)
    with (
        boundary.located(settings.name, f"nothing was changed; {found.name} is at {found.current}"),
        database.connection(settings, tell) as connection,
    ):
        steps, about = (
            _half_applied(found, found.half_applied, wanted)
            if wanted.partial and found.half_applied
            else _applied(connection, found, versions, wanted)
        )
        for step in steps:
            own_tables.check(step, found.ledger)
        allowed = frozenset(history.number(one.version) for one in steps if wanted.drop_existing)
        protection.check(connection, found, steps, Switches(drop_existing=allowed), tell)
        losses = protection.losses(connection, steps)
        address = server.address(connection)
        return [
            RollbackPreview(step, *words, losses[step.version], address)
            for step, words in zip(steps, about, strict=True)
        ]


Described = tuple[list[Step], list[tuple[str, str, str]]]
"""Steps, and for each its file's name, a description, and the SQL that will not run."""


def _half_applied(found: Status, begun: Partial, wanted: Wanted) -> Described:
    step = half_applied.undo(found, begun, use_file=wanted.use_file)
    return [step], [(begun.filename, half_applied.described(begun), begun.rollback_sql or "")]


def _applied(
    connection: Connection, found: Status, versions: Sequence[str], wanted: Wanted
) -> Described:
    half_applied.refuse(found)
    race.check_stored(connection, found, versions)
    if wanted.use_file:
        texts, shown = None, stored.kept_sql(connection, found.ledger, versions)
    else:
        texts, shown = stored.rollback_sql(connection, found.ledger, versions).get, {}
    steps = [reading.downgrade(found, version, texts) for version in versions]
    rows = [one.row for version in versions if (one := found.find(version))]
    return steps, [
        (
            row.filename,
            f"applied {row.applied_at.astimezone():%Y-%m-%d %H:%M:%S %z} by {row.applied_by}",
            shown.get(row.version, ""),
        )
        for row in rows
    ]


def _switches(shown: Sequence[RollbackPreview], wanted: Wanted) -> Switches:
    steps = [one.step for one in shown]
    numbers = [history.number(step.version) for step in steps]
    return Switches(
        use_file=wanted.use_file,
        confirmed=tuple(steps),
        drop_existing=frozenset(numbers if wanted.drop_existing else ()),
        partial=numbers[0] if wanted.partial else None,
    )
