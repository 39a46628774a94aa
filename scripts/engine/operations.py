"""What the commands call: each a thin way into Alembic's own commands, or a look without them.

Alembic and SQLAlchemy are imported only where something is run: a look has no need of them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from scripts.engine import settings
from scripts.engine.ledger import events, lookup, state
from scripts.engine.ledger.state import Applied, State
from scripts.engine.observer import Observer
from scripts.engine.run import work
from scripts.engine.run.work import Work
from scripts.engine.session import database
from scripts.engine.session.database import Say
from scripts.engine.session.diagnosis import explained
from scripts.errors import ServerError, UsageError
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment, Project, parsed, shown

if TYPE_CHECKING:
    from alembic.config import Config


@dataclass(frozen=True, slots=True)
class Undo:
    """What a rollback of one version would run, and what else there is."""

    applied: Applied
    work: Work
    other_sql: str
    """The other of the two, stored SQL and file: "" unless the file was asked for."""


def look(project: Project, environment: Environment, say: Say) -> State:
    """Read an environment's files and ledger; changes nothing, and works with files misnamed.

    Args:
        project: the checkout.
        environment: which of its environments.
        say: is told when the server lets us wait.

    Raises:
        UsageError: when no URL is set.
        ServerError: when the database can't be reached.
        LedgerError: when the ledger can't be read as one.
    """
    chosen = settings.load(project, environment)
    with database.connection(project, chosen, _named(say, environment)) as connection:
        return state.read(connection, chosen, history.survey(environment)[0])


def latest_events(
    project: Project, environment: Environment, count: int, say: Say
) -> list[events.Row] | None:
    """Read the last rows of an environment's event log, the oldest of them first.

    Returns:
        None where there is no event log.

    Raises:
        UsageError: when no URL is set.
        ServerError: when the database can't be reached, or the log can't be read.
    """
    chosen = settings.load(project, environment)
    with database.connection(project, chosen, _named(say, environment)) as connection:
        try:
            found = lookup.find(connection, chosen.ledger)
            if not events.exists(connection, found):
                return None
            return events.latest(connection, found, count)
        except (psycopg2.Error, ValueError) as error:
            raise ServerError(
                f"{environment.name}: the event log can't be read",
                detail=explained(error) if isinstance(error, psycopg2.Error) else str(error),
                state="nothing was changed",
            ) from error


def to_apply(found: State, to: str | None) -> tuple[Entry, ...]:
    """Return the pending migrations up to a version, after all the checks that a run makes.

    Args:
        found: what `look` returned.
        to: the last version wanted, compared as a number; None for all.

    Raises:
        HistoryError: when the files do not form one history.
        LedgerError: when the ledger does not fit them.
        UsageError: for a version that has no file, or that the database is already past.
    """
    history.read(found.history.environment)
    state.check_upgrade(found)
    if to is None:
        return found.pending
    last = found.history.get(to)
    if found.applied and last.number < found.applied[-1].number:
        raise UsageError(
            f"{found.name} is at {found.current}, past {last.version}",
            way_out=f"python scripts/rollback.py --database {found.name} --to {last.version}",
        )
    return tuple(entry for entry in found.pending if entry.number <= last.number)


def upgrade(project: Project, environment: Environment, version: str, observer: Observer) -> None:
    """Apply all pending migrations up to a version: `alembic -n … upgrade VERSION`.

    Raises:
        MigrationError: as the run does.
    """
    from alembic import command

    command.upgrade(_config(project, environment, observer), version)


def downgrade(  # noqa: PLR0913 - each is a choice of its own
    project: Project,
    environment: Environment,
    version: str,
    observer: Observer,
    *,
    use_file: bool = False,
    confirmed: Sequence[Undo] | None = None,
) -> None:
    """Roll back to a version, or to "base": `alembic -n … downgrade VERSION`.

    Args:
        project: the checkout.
        environment: which of its environments.
        version: where to go back to.
        observer: is told what happens.
        use_file: run the files' DOWN instead of what the ledger keeps.
        confirmed: what people were shown, the first one first; a run that would do anything else
            is refused. None asks for no such thing.

    Raises:
        MigrationError: as the run does.
    """
    from alembic import command

    config = _config(project, environment, observer)
    config.attributes["use_file"] = use_file
    if confirmed is not None:
        shown = tuple((one.work.version, one.work.section.text) for one in confirmed)
        config.attributes["confirmed"] = shown
    command.downgrade(config, version)


def undo(
    project: Project,
    environment: Environment,
    applied: Sequence[Applied],
    say: Say,
    *,
    use_file: bool,
) -> list[Undo]:
    """Read what rolling back these migrations would run, so that people can see it first.

    Raises:
        RollbackError: when one of them can't be rolled back.
        FormatError: when its SQL can't be split into statements.
    """
    chosen = settings.load(project, environment)
    with database.connection(project, chosen, _named(say, environment)) as connection:
        found = state.read(connection, chosen, history.survey(environment)[0])
        state.check_agreement(found)

        def stored(version: str) -> str | None:
            return lookup.rollback_sql(connection, found.ledger, version)

        return [
            Undo(
                one,
                work.downgrade(found, one.row.version, None if use_file else stored),
                lookup.kept_sql(connection, found.ledger, one.row.version) if use_file else "",
            )
            for one in applied
        ]


def create(
    project: Project, environment: Environment, name: str, author: str, observer: Observer
) -> tuple[Path, Path]:
    """Write a new migration's two files: `alembic -n … revision -m NAME`.

    Returns:
        The SQL file and the revision file.

    Raises:
        UsageError: when no file name can be made of the name.
        HistoryError: when the files there are do not form one history.
    """
    from alembic import command

    config = _config(project, environment, observer)
    config.attributes["author"] = author
    with contextlib.redirect_stdout(io.StringIO()):  # Alembic's "Generating …  done"
        made = command.revision(config, message=name)
    if made is None or isinstance(made, list):
        raise AssertionError("Alembic wrote no revision file, or several")
    revision_file = Path(made.path)
    return environment.sql / f"{revision_file.stem}.sql", revision_file


def _named(say: Say, environment: Environment) -> Say:
    return lambda text: say(f"{environment.name}: {text}")


def _config(project: Project, environment: Environment, observer: Observer) -> Config:
    from alembic.config import Config

    if not (environment.folder / "env.py").is_file():
        folder = shown(environment.folder)
        raise UsageError(
            f"{environment.name} is in {shown(project.ini)}, but there is no {folder}/env.py",
            state="nothing was changed",
            way_out=f"copy env.py and script.py.mako of another environment into {folder}/",
        )
    config = Config(str(project.ini), ini_section=environment.name)
    config.file_config = parsed(project.ini)
    config.attributes["observer"] = observer
    return config
