"""Alembic's commands against a database: our run takes its steps, and a stamp is Alembic's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg2
from alembic import context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from scripts.engine import switches
from scripts.engine.alembic_commands import stamp
from scripts.engine.alembic_commands.command import AlembicCommand
from scripts.engine.alembic_commands.given_connection import GivenSource
from scripts.engine.ledger.table import VERSION_TABLE
from scripts.engine.observer import LogObserver, Observer
from scripts.engine.run import online
from scripts.engine.run.command import Kind
from scripts.engine.run.drive import Drive
from scripts.engine.run.online import Opened, Request
from scripts.engine.safeguards import agreement
from scripts.engine.session import waiting
from scripts.engine.session.run_connection import RunConnection, Source
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.switches import NO_SWITCHES


def run(config: Config, settings: Settings) -> None:
    """Run Alembic's command on a database, or on the given connection.

    Args:
        config: Alembic's; `attributes` may hold "connection" (of SQLAlchemy, or an engine),
            "observer" (an `Observer`) and the choices of `switches`.
        settings: whose database.

    Raises:
        MigrationError: when anything prevents the run; `state` says how far it got.
    """
    given = config.attributes.get("connection")
    observer: Observer = config.attributes.get("observer") or LogObserver()
    request = Request(
        settings=settings,
        command=AlembicCommand.of(context.get_context(), context.script),
        source=None if given is None else GivenSource(given),
        observer=observer,
        switches=switches.read(
            config.attributes.get("switches", NO_SWITCHES), context.get_x_argument()
        ),
    )
    if request.command.kind in (Kind.UPGRADE, Kind.DOWNGRADE):
        online.run(request)
    else:
        _by_alembic(request)


def _by_alembic(request: Request) -> None:
    """Let Alembic run commands that run no migration: stamps, and those that only read."""
    with online.opened(request) as found:
        drive = found.drive(request)
        watched = waiting.unbounded(found.connection.raw, drive.executor.on_tick)
        with drive.noted(), watched:
            command = request.command
            command.undoing(found.status, request.switches)
            command.check(found.status, found.before, None)
            with _sqlalchemy(found.connection, request.source) as connection:
                if command.kind is Kind.STAMP:
                    _stamp(connection, found, drive)
                else:
                    _configure(connection, found, None)
                    with context.begin_transaction():
                        context.run_migrations()


def _stamp(connection: Connection, found: Opened, drive: Drive) -> None:
    """Let Alembic write its version, and write the ledger with it; the files ran elsewhere."""
    status, mirrored = found.status, list[str]()

    def mirror(heads: Collection[str]) -> None:
        records, kept = stamp.versions(status, context.script, tuple(heads))
        drive.executor.stamp(records, kept, ", ".join(heads) or "base")
        mirrored.append(", ".join(heads))

    def on_version_apply(
        ctx: MigrationContext,  # noqa: ARG001 - Alembic calls with these names
        step: MigrationInfo,  # noqa: ARG001
        heads: Collection[str],
        run_args: Mapping[str, Any],  # noqa: ARG001
    ) -> None:
        mirror(heads)

    agreement.check_ours(status)
    _check_stamp(status)
    with found.connection.transaction():
        drive.executor.recorder.create_ledger()
    _configure(connection, found, on_version_apply)
    with context.begin_transaction():
        context.run_migrations()
    heads = context.get_context().get_current_heads()
    if not found.connection.in_caller_transaction:
        connection.rollback()
    if not mirrored:
        # Alembic took no step: it was at that version already, but the ledger may not have been.
        with found.connection.transaction():
            mirror(heads)
    found.connection.notify(f"stamped {', '.join(heads) or 'base'}; nothing was run")


def _check_stamp(status: Status) -> None:
    """Find what keeps a stamp from being done before Alembic purges its table, which it commits.

    Raises:
        CommandError: when there is no such version.
        FormatError: when a file that the ledger would list is not in the format.
    """
    options = context.get_context().opts
    heads = () if options.get("purge") else status.alembic_heads
    for step in options["fn"](heads, context.get_context()):
        stamp.versions(status, context.script, tuple(step.to_revisions))


def _configure(connection: Connection, found: Opened, hook: Any) -> None:
    context.configure(
        connection=connection,
        fn=context.get_context().opts["fn"],
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=found.status.ledger.table.schema,
        on_version_apply=hook,
    )


@contextmanager
def _sqlalchemy(connection: RunConnection, source: Source | None) -> Iterator[Connection]:
    """Give the run's connection as one of SQLAlchemy's, for a `with` block.

    Alembic's own transactions also limit their waits and assume MIGRATION_ROLE.

    Raises:
        psycopg2.Error: what the driver raises.
    """

    def begun(_: Connection) -> None:
        connection.begin()

    with ExitStack() as stack:
        if isinstance(source, GivenSource):
            made = source.connection
        else:
            engine = create_engine(
                "postgresql+psycopg2://",
                creator=lambda: connection.raw,
                poolclass=StaticPool,
                use_native_hstore=False,
            )
            made = stack.enter_context(engine.connect())
        if made.in_transaction():
            begun(made)
        event.listen(made, "begin", begun)
        stack.callback(event.remove, made, "begin", begun)
        try:
            yield made
        except DBAPIError as error:
            if isinstance(error.orig, psycopg2.Error):
                raise error.orig from error
            raise
