"""A run against a database: connect, look, check, and only then let Alembic go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import psycopg2
from alembic import context
from alembic.config import Config
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from scripts.engine import disclosure, settings, switches
from scripts.engine.alembic_commands import unknown_revisions
from scripts.engine.execution import event_log
from scripts.engine.ledger.table import GONE, VERSION_TABLE
from scripts.engine.observer import LogObserver, Observer
from scripts.engine.run import assembly, commit_outcome
from scripts.engine.run.assembly import Assembled
from scripts.engine.run.command import Command, Kind
from scripts.engine.run.loop import Loop
from scripts.engine.run.steps import Run
from scripts.engine.safeguards import half_applied, protection, sharing
from scripts.engine.session import lock, run_connection, signals, waiting
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.errors import Interrupted, MigrationError, ServerError, behind, printable
from scripts.files.project import Environment, Project

_LOCK_TRIES = 5


def run(config: Config, here: Project, environment: Environment) -> None:
    """Carry out Alembic's command on the environment's database, or on the connection given.

    Args:
        config: Alembic's; `attributes` may hold "connection" (of SQLAlchemy, or an engine),
            "observer" (an `Observer`) and the choices of `switches`.
        here: the checkout.
        environment: which of its environments.

    Raises:
        MigrationError: when anything keeps the run from being done; `state` says how far it came.
    """
    given = config.attributes.get("connection")
    chosen = settings.load(here, environment, need_url=given is None)
    observer: Observer = config.attributes.get("observer") or LogObserver()
    command = Command.of(context.get_context().opts)

    def say(text: str) -> None:
        observer.notice(environment.name, printable(text))

    with (
        _told(environment),
        signals.deferred(),
        run_connection.opened(
            given, here, chosen, say, bounded=command.kind is Kind.STAMP
        ) as opened,
    ):
        choices = switches.read(config, context.get_x_argument())
        entries = command.history(environment)
        found = opened.look(entries)
        before = found.current
        command.check_writable(found)
        idle = choices.partial is None and command.is_idle(found)
        with nullcontext() if idle else _lock(opened, found) as held:
            if held:
                opened.require_room()
                # Whoever had the lock until now may have changed everything.
                found = opened.look(entries, with_log=True)
            if command.kind is not Kind.INSPECT:
                sharing.check_owner(found, here.environments)
            for remark in found.remarks:
                say(remark)
            unknown_revisions.add(context.script, found, check=not idle)
            moves = command.kind in (Kind.UPGRADE, Kind.DOWNGRADE)
            made = assembly.assemble(opened, found, held, observer, choices, moves_version=moves)
            if held and held.waited_ms and command.is_idle(found):
                say(f"nothing is left to do, at {found.current}")
            with _noted(made, opened, held, idle=idle):
                undoing = half_applied.check(found, command, choices)
                command.check(found, before, None if undoing else choices.confirmed)
                _migrate(opened, made, command, _loop(opened, made, undoing, idle=idle))


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


@contextmanager
def _lock(opened: RunConnection, found: Status) -> Iterator[Lock | None]:
    """Hold the database's lock on a second connection.

    A server that goes away while another run is waited for is waited for as well.
    """
    table, wait_ms = found.ledger.table, opened.settings.lock_wait_ms
    for left in reversed(range(_LOCK_TRIES)):
        with ExitStack() as stack:
            second = stack.enter_context(opened.second())
            try:
                held = (
                    stack.enter_context(lock.held(second, found.name, table, wait_ms, opened.say))
                    if second
                    else None
                )
            except psycopg2.Error as error:
                if not left:
                    raise _lock_failed(found, error) from error
                opened.say(
                    f"the connection that waits for the lock failed: {disclosure.of_error(error)}"
                )
                continue
            yield held
            return


def _lock_failed(found: Status, error: psycopg2.Error) -> ServerError:
    return ServerError(
        f"{found.name}: the connection that waits for the lock fails again and again",
        detail=disclosure.of_error(error),
        state=f"nothing was changed; {found.name} is at {found.current}",
    )


@contextmanager
def _noted(
    made: Assembled, opened: RunConnection, held: Lock | None, *, idle: bool
) -> Iterator[None]:
    """Note in the event log what ends the run, if it is an error."""
    try:
        yield
    except MigrationError as error:
        error.state = error.state or f"{made.run.state.name} is at {made.run.current}"
        if made.run.step.statements and not made.log.works:
            error.state += "; without an event log a later run can't know it"
        if held and not idle:
            # The lock's own transaction: its commit writes the rows, and lets the next run begin.
            waited = made.blockers.waited_ms if made.blockers else 0
            failed = replace(made.run.step, lock_wait_ms=waited, duration_ms=made.run.elapsed_ms)
            rows = event_log.failures(error, failed)
            lost = held.connection.closed and not made.run.plan.joined
            made.log.append_apart(opened.raw if lost else held.connection, *rows)
        raise


def _loop(opened: RunConnection, made: Assembled, undoing: Step | None, *, idle: bool) -> Loop:
    in_caller = opened.sqlalchemy.in_transaction()
    return Loop(
        run=made.run,
        prepare=made.prepare,
        idle=idle,
        settle=_nothing if in_caller else opened.sqlalchemy.commit,
        undoing=undoing,
    )


def _nothing() -> None:
    """Leave the transaction of whoever gave the connection."""


def _migrate(opened: RunConnection, made: Assembled, command: Command, loop: Loop) -> None:
    run = made.run
    context.configure(
        connection=opened.sqlalchemy,
        fn=loop.of(context.get_context().opts["fn"]),
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=run.state.ledger.table.schema,
        on_version_apply=run.on_version_apply,
    )
    if command.kind is Kind.UPGRADE:
        _say_ahead(run)
    try:
        with waiting.watched(opened.raw, made.look):
            if not loop.idle:
                # Alembic's own table comes next, and may need the schema that this makes.
                with opened.bounded():
                    made.recorder.create_ledger()
            with context.begin_transaction():
                context.run_migrations(run=run)
    except (psycopg2.Error, SQLAlchemyError) as error:
        _explain(error, made, opened)
    run.say()
    if run.found_existing:
        with opened.bounded():
            protection.report(
                opened.raw, run.state.ledger.created(), run.found_existing, opened.say
            )
    if command.kind is Kind.STAMP:
        _mirror(opened, run)


def _explain(error: Exception, made: Assembled, opened: RunConnection) -> None:
    """Raise what an error of the driver's means for the run, unless all was done in fact."""
    first = behind(error)
    if first:
        raise first
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg2.Error):
        raise error
    # SQLAlchemy names the statement of every error but a commit's.
    statement = error.statement if isinstance(error, DBAPIError) else None
    at_commit = not statement
    run, by = made.run, made.run.step.filename
    if statement and VERSION_TABLE in statement and cause.pgcode in GONE and by:
        table, state = run.state.ledger.version_table, run.undone(run.current)
        raise made.recorder.taken_away(table, by, state) from error
    number = made.recorder.transaction
    ended = commit_outcome.explain(cause, made.run, number, opened, at_commit=at_commit)
    if ended:
        raise ended from error


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
        with opened.bounded():
            run.mirror(heads)
    run.observer.notice(run.state.name, f"stamped {', '.join(heads) or 'base'}, nothing was run")
