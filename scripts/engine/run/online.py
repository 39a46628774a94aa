"""A run against a database: connect, look, check, and only then let Alembic go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from typing import Any

import psycopg2
from alembic import context
from alembic.config import Config
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from scripts.engine import settings
from scripts.engine.ledger import state
from scripts.engine.ledger.state import State
from scripts.engine.ledger.table import VERSION_TABLE
from scripts.engine.observer import LogObserver, Observer
from scripts.engine.run import aftermath, assembly, connection, event_log, missing
from scripts.engine.run.assembly import Assembled
from scripts.engine.run.connection import RunConnection
from scripts.engine.run.steps import Planned, Run
from scripts.engine.run.version import VersionImpl
from scripts.engine.session import lock, signals, waiting
from scripts.engine.session.lock import Lock
from scripts.errors import Interrupted, MigrationError, UsageError, behind
from scripts.files import history
from scripts.files.history import History
from scripts.files.project import Environment, Project


class Command(Enum):
    """What Alembic is at: the name of the function that it hands over for the command."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "do_stamp"
    INSPECT = "inspect"
    """All others: `current`, `check`, and programs that only look."""

    @classmethod
    def of(cls, planned: Planned) -> Command:
        """Recognise Alembic's function, or pytest-alembic's of the same name."""
        name = getattr(planned, "__name__", "")
        return next((command for command in cls if command.value == name), cls.INSPECT)


def run(config: Config, here: Project, environment: Environment) -> None:
    """Carry out Alembic's command on the environment's database, or on the connection given.

    Args:
        config: Alembic's; `attributes` may hold "connection" (of SQLAlchemy, or an engine),
            "observer" (an `Observer`) and "use_file" (True rolls back with the files' DOWN).
        here: the checkout.
        environment: which of its environments.

    Raises:
        MigrationError: when anything keeps the run from being done; `state` says how far it came.
    """
    given = config.attributes.get("connection")
    chosen = settings.load(here, environment, need_url=given is None)
    observer: Observer = config.attributes.get("observer") or LogObserver()
    options = context.get_context().opts
    command = Command.of(options["fn"])
    target = options.get("destination_rev")

    def say(text: str) -> None:
        observer.notice(environment.name, text)

    with (
        _told(environment),
        signals.deferred(),
        connection.opened(given, here, chosen, say) as opened,
    ):
        entries = _history(environment, command)
        found = opened.look(entries)
        _check_writable(found, command)
        idle = _is_idle(found, command, target)
        with nullcontext() if idle else _lock(opened, found) as held:
            if held:
                # Whoever had the lock until now may have changed everything.
                found = opened.look(entries)
            missing.add(context.script, found)
            use_file = config.attributes.get("use_file", False)
            made = assembly.assemble(opened, found, held, observer, use_file=use_file)
            with _noted(made, held, idle=idle):
                _check(found, command, target)
                _migrate(opened, made, command, idle=idle)


@contextmanager
def _told(environment: Environment) -> Iterator[None]:
    """Name the environment and the state where a signal came before there was a step."""
    try:
        yield
    except Interrupted as error:
        if not error.state:
            error.what = f"{environment.name}: {error.what}"
            error.state = "nothing was changed"
        raise


def _is_idle(found: State, command: Command, target: Any) -> bool:
    """Tell whether there is nothing to do that a lock would be needed for."""
    if command is not Command.UPGRADE:
        return command is Command.INSPECT
    if target in ("head", "heads"):
        return not found.pending
    entry = found.history.find(target) if isinstance(target, str) and target.isdigit() else None
    return entry is not None and found.find(entry.version) is not None


@contextmanager
def _lock(opened: RunConnection, found: State) -> Iterator[Lock | None]:
    """Hold the database's lock on a second connection."""
    table, wait_ms = found.ledger.table, opened.settings.lock_wait_ms
    with opened.second() as second:
        if second is None:
            yield None
            return
        with lock.held(second, found.name, table, wait_ms, opened.say) as held:
            yield held


@contextmanager
def _noted(made: Assembled, held: Lock | None, *, idle: bool) -> Iterator[None]:
    """Note in the event log what ends the run, if it is an error."""
    try:
        yield
    except MigrationError as error:
        if held and not idle:
            # The lock's own transaction: its commit writes the rows, and lets the next run begin.
            waited = made.blockers.waited_ms if made.blockers else 0
            rows = event_log.failures(error, made.run.step, waited)
            made.log.append_apart(held.connection, *rows)
        raise


def _history(environment: Environment, command: Command) -> History:
    """Going back needs no file, so a file that is missing or misnamed must not stop it."""
    if command in (Command.UPGRADE, Command.STAMP):
        return history.read(environment)
    return history.survey(environment)[0]


def _check_writable(found: State, command: Command) -> None:
    if command is not Command.INSPECT:
        state.check_writable(found)


def _check(found: State, command: Command, target: Any) -> None:
    for version in [target] if isinstance(target, str) else list(target or ()):
        _check_target(found, version)
    if command is Command.UPGRADE:
        state.check_upgrade(found)
    elif command is Command.DOWNGRADE:
        state.check_agreement(found)


def _check_target(found: State, version: str) -> None:
    """Alembic takes `1` for the beginning of any version: 1 could become 100 in silence."""
    entry = found.history.find(version) if version.isascii() and version.isdigit() else None
    if entry and entry.version != version:
        raise UsageError(
            f"{found.name}: Alembic wants versions as they are written",
            way_out=f"did you mean {entry.version}?",
        )


def _migrate(opened: RunConnection, made: Assembled, command: Command, *, idle: bool) -> None:
    run = made.run
    if not opened.sqlalchemy.in_transaction():
        run.settle = opened.sqlalchemy.commit
    context.configure(
        connection=opened.sqlalchemy,
        fn=run.announced(context.get_context().opts["fn"]),
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=run.state.ledger.table.schema,
        on_version_apply=run.on_version_apply,
    )
    impl = context.get_context().impl
    if isinstance(impl, VersionImpl) and command in (Command.UPGRADE, Command.DOWNGRADE):
        impl.version_is_moved = run.moves_version = True
    if command is Command.UPGRADE:
        _say_ahead(run)
    try:
        with waiting.watched(opened.raw, made.look):
            if not idle:
                # Alembic's own table comes next, and may need the schema that this makes.
                with opened.transaction():
                    made.recorder.create_ledger()
            with context.begin_transaction():
                context.run_migrations(run=run)
    except (psycopg2.Error, SQLAlchemyError) as error:
        _explain(error, made, opened)
    run.say()
    if command is Command.STAMP:
        _mirror(opened, run)


def _explain(error: Exception, made: Assembled, opened: RunConnection) -> None:
    """Raise what an error of the driver's means for the run, unless all was done in fact."""
    first = behind(error)
    if first:
        raise first
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg2.Error):
        raise error
    explained = aftermath.explain(cause, made.run, made.recorder.transaction, opened.another)
    if explained:
        raise explained from error


def _say_ahead(run: Run) -> None:
    ahead = [applied.row.version for applied in run.state.ahead]
    if ahead:
        run.observer.notice(
            run.state.name,
            f"the database is ahead of this code by {', '.join(ahead)}: a newer release was here",
        )


def _mirror(opened: RunConnection, run: Run) -> None:
    """Write the ledger even where a stamp took no step: it was at that version before."""
    heads = context.get_context().get_current_heads()
    opened.sqlalchemy.rollback()
    if not run.mirrored:
        with opened.transaction():
            run.mirror(heads)
    run.observer.notice(run.state.name, f"stamped {', '.join(heads) or 'base'}, nothing was run")
