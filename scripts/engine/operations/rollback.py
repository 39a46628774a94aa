"""Rolls migrations back: what would run and be destroyed, and the rollback itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.engine import reading, settings, status
from scripts.engine.ledger import lookup, server
from scripts.engine.objects.loss import Loss
from scripts.engine.observer import Observer
from scripts.engine.operations.overview import named
from scripts.engine.safeguards import agreement, half_applied, own_tables, protection, race
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.status import Applied
from scripts.engine.step import Step
from scripts.engine.switches import NO_SWITCHES, Switches
from scripts.files import history
from scripts.files.project import Environment, Project


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rollback of one version would run, and what it would destroy."""

    work: Step
    filename: str
    about: str
    """When it was applied and by whom, or how far it came."""
    other_sql: str
    """The other of the two, stored SQL and file: "" unless the file was asked for."""
    losses: tuple[Loss, ...]
    server: str
    """User, host, port and database: "app@db.prod:5432/course"."""


def run(
    project: Project,
    environment: Environment,
    version: str,
    observer: Observer,
    switches: Switches = NO_SWITCHES,
) -> None:
    """Roll back to a version, or to "base": `alembic -n … downgrade VERSION`.

    Args:
        project: the checkout.
        environment: which of its environments.
        version: where to go back to; with `switches.partial`, where the database is.
        observer: is told what happens.
        switches: the choices of the run.

    Raises:
        MigrationError: as the run does.
    """
    from alembic import command

    from scripts.engine.alembic_commands import alembic_config

    config = alembic_config.make(project, environment, observer)
    config.attributes["switches"] = switches
    command.downgrade(config, version)


def preview(  # noqa: PLR0913 - each is a choice of its own
    project: Project,
    environment: Environment,
    applied: Sequence[Applied],
    say: Notify,
    *,
    use_file: bool,
    drop_existing: bool = False,
    partial: bool = False,
) -> list[Preview]:
    """Read what rolling back these migrations would run, so that people can see it first.

    Args:
        project: the checkout.
        environment: which of its environments.
        applied: the migrations, the first one to go first.
        say: is told when the server lets us wait.
        use_file: take the files' DOWN instead of what the ledger keeps.
        drop_existing: whether they may drop what was there before them.
        partial: roll back the file that is half applied, and nothing else.

    Raises:
        MigrationError: when one can't be rolled back, or may not; see `reading.downgrade`,
            `own_tables.check`, `protection.check`, `half_applied.refuse`.
    """
    chosen = settings.load(project, environment)
    with database.connection(project, chosen, named(say, environment)) as connection:
        found = status.read(connection, chosen, history.survey(environment)[0])
        agreement.check_agreement(found)
        race.check_applied(found, [one.row.version for one in applied])

        def stored(version: str) -> str | None:
            return lookup.rollback_sql(connection, found.ledger, version)

        def other(version: str) -> str:
            return lookup.kept_sql(connection, found.ledger, version) if use_file else ""

        if partial and found.half_applied:
            begun = found.half_applied
            steps = [half_applied.undo(found, begun, use_file=use_file)]
            about = [(begun.filename, half_applied.described(begun), begun.rollback_sql or "")]
        else:
            half_applied.refuse(found)
            read = None if use_file else stored
            steps = [reading.downgrade(found, one.row.version, read) for one in applied]
            about = [(one.row.filename, _applied(one), other(one.row.version)) for one in applied]
        for step in steps:
            own_tables.check(found.name, step, found.ledger)
        allowed = frozenset(history.number(step.version) for step in steps if drop_existing)
        protection.check(
            connection, found, steps, Switches(drop_existing=allowed), named(say, environment)
        )
        losses = protection.losses(connection, steps)
        address = server.address(connection)
        return [
            Preview(step, *words, losses[step.version], address)
            for step, words in zip(steps, about, strict=True)
        ]


def _applied(one: Applied) -> str:
    when = one.row.applied_at.astimezone()
    return f"applied {when:%Y-%m-%d %H:%M:%S %z} by {one.row.applied_by}"
