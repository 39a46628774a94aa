"""A run against a database: connect, look, check, and only then let Alembic go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from typing import Any

from alembic import context
from alembic.config import Config
from psycopg2.extensions import connection as RawConnection  # noqa: N812 - it is a class
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from scripts.engine import database, execution, ledger, lock, lookup, missing, settings, state
from scripts.engine.lock import Lock
from scripts.engine.observer import LogObserver, Observer
from scripts.engine.run import Planned, Run
from scripts.engine.settings import Settings
from scripts.engine.state import State
from scripts.engine.version import VersionImpl
from scripts.errors import UsageError
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
    options = context.get_context().opts
    command = Command.of(options["fn"])
    with _connection(given, here, chosen) as connection:
        target = options.get("destination_rev")
        entries = _history(environment, command)
        found = _look(connection, chosen, entries)
        idle = _is_idle(found, command, target)
        with nullcontext() if idle else _lock(connection, chosen, found, config) as held:
            if held:
                # Whoever had the lock until now may have changed everything.
                found = _look(connection, chosen, entries)
            missing.add(context.script, found)
            _check(found, command, target)
            run = _prepared(config, connection, chosen, found)
            if held:
                run.guard = held.check
            if not idle:
                with _transaction(connection):
                    run.create_ledger()
            if not connection.in_transaction():
                run.settle = connection.commit
            _migrate(connection, run, command)


def _is_idle(found: State, command: Command, target: Any) -> bool:
    """Tell whether there is nothing to do that a lock would be needed for."""
    if command is not Command.UPGRADE:
        return command is Command.INSPECT
    if target in ("head", "heads"):
        return not found.pending
    entry = found.history.find(target) if isinstance(target, str) and target.isdigit() else None
    return entry is not None and found.find(entry.version) is not None


@contextmanager
def _lock(
    connection: Connection, chosen: Settings, found: State, config: Config
) -> Iterator[Lock | None]:
    """Hold the database's lock on a second connection, made as the first one was."""
    second = connection.engine.raw_connection()
    try:
        raw = second.driver_connection
        if not isinstance(raw, RawConnection) or raw is _raw(connection):
            # A pool of one connection, which an embedder chose: it has no second one.
            yield None
            return
        observer = _observer(config)
        with lock.held(raw, found.name, found.ledger.table, chosen.lock_wait_ms, observer) as held:
            yield held
    finally:
        second.close()


def _observer(config: Config) -> Observer:
    chosen: Observer = config.attributes.get("observer") or LogObserver()
    return chosen


def _history(environment: Environment, command: Command) -> History:
    """Going back needs no file, so a file that is missing or misnamed must not stop it."""
    if command in (Command.UPGRADE, Command.STAMP):
        return history.read(environment)
    return history.survey(environment)[0]


@contextmanager
def _connection(
    given: Connection | Engine | None, here: Project, chosen: Settings
) -> Iterator[Connection]:
    if isinstance(given, Connection):
        yield given
        return
    engine = given or create_engine(
        "postgresql+psycopg2://",
        creator=lambda: database.connect(here, chosen),
        poolclass=NullPool,
        use_native_hstore=False,
    )
    with engine.connect() as connection:
        yield connection


def _look(connection: Connection, chosen: Settings, entries: History) -> State:
    """Read the state, leaving no transaction open that was not."""
    found = state.read(_raw(connection), chosen, entries)
    _end(connection)
    return found


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


def _prepared(config: Config, connection: Connection, chosen: Settings, found: State) -> Run:
    raw = _raw(connection)
    use_file = config.attributes.get("use_file", False)
    return Run(
        state=found,
        directory=context.script,
        observer=_observer(config),
        execute=execution.sender(raw),
        compose=lambda statement: statement.as_string(raw),
        stored=None if use_file else lambda v: lookup.rollback_sql(raw, found.ledger, v),
        limits=chosen.limits,
        online=True,
    )


def _migrate(connection: Connection, run: Run, command: Command) -> None:
    context.configure(
        connection=connection,
        fn=run.announced(context.get_context().opts["fn"]),
        transaction_per_migration=True,
        version_table=ledger.VERSION_TABLE,
        version_table_schema=run.state.ledger.table.schema,
        on_version_apply=run.on_version_apply,
    )
    impl = context.get_context().impl
    if isinstance(impl, VersionImpl) and command in (Command.UPGRADE, Command.DOWNGRADE):
        impl.version_is_moved = run.moves_version = True
    if command is Command.UPGRADE:
        _say_ahead(run)
    with context.begin_transaction():
        context.run_migrations(run=run)
    run.say()
    if command is Command.STAMP:
        _mirror(connection, run)


def _say_ahead(run: Run) -> None:
    ahead = [applied.row.version for applied in run.state.ahead]
    if ahead:
        run.observer.notice(
            run.state.name,
            f"the database is ahead of this code by {', '.join(ahead)}: a newer release was here",
        )


def _mirror(connection: Connection, run: Run) -> None:
    """Write the ledger even where a stamp took no step: it was at that version before."""
    heads = context.get_context().get_current_heads()
    connection.rollback()
    with _transaction(connection):
        run.mirror(heads)
    run.observer.notice(run.state.name, f"stamped {', '.join(heads) or 'base'}, nothing was run")


def _transaction(connection: Connection) -> AbstractContextManager[object]:
    """Begin a transaction, unless whoever gave the connection has done so."""
    return nullcontext() if connection.in_transaction() else connection.begin()


def _end(connection: Connection) -> None:
    """End what reading began, unless whoever gave the connection is in a transaction."""
    if not connection.in_transaction():
        _raw(connection).rollback()


def _raw(connection: Connection) -> RawConnection:
    raw = connection.connection.driver_connection
    if not isinstance(raw, RawConnection):
        raise UsageError(f"the connection is one of {type(raw).__module__}, not of psycopg2")
    return raw
