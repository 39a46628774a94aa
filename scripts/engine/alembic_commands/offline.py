"""`--sql`: the same run as a script for psql, without a database; Alembic's loop drives it."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo, MigrationStep

from scripts.engine import switches
from scripts.engine.alembic_commands import command, stamp
from scripts.engine.alembic_commands.script import ScriptExecutor
from scripts.engine.alembic_commands.script_impl import ScriptImpl
from scripts.engine.ledger import alembic_version
from scripts.engine.ledger.table import VERSION_TABLE, Ledger
from scripts.engine.observer import SilentObserver
from scripts.engine.run.plan import Plan
from scripts.engine.run.run import Run
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files import history, revision_file

DIALECT_OPTIONS = {"paramstyle": "named"}
"""With psycopg2's own paramstyle SQLAlchemy would double every percent sign."""


def write(settings: Settings) -> None:
    """Write what Alembic's command would run, ledger and version included, to its output.

    The event log is for what this tool ran itself: a script has none.

    Raises:
        MigrationError: as a run does, for files that are not in the format.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as the files, in every locale
    choices = switches.read(context.config, context.get_x_argument())
    if choices.partial is not None:
        raise UsageError(
            "-x partial needs a database: a script can't know how far a file came",
            state="nothing was written",
            way_out="leave --sql out",
        )
    entries = history.read(settings.environment)
    revision_file.check(entries)
    where = Ledger(settings.ledger, visible=settings.ledger.schema in (None, "public"))
    status = Status(entries, where, (), ())
    begun = context.get_context()
    output = begun.impl.static_output
    executor = ScriptExecutor(output, begun, where, settings, choices)
    run = Run(status, Plan(status, None, None), executor, SilentObserver())
    planned = begun.opts["fn"]

    def steps(heads: Any, of: MigrationContext) -> list[MigrationStep]:
        """Read all that the steps will run before the first one is written."""
        executor.begin(of, at_base=not heads)
        wanted = list(planned(heads, of))
        run.plan.read(command.moves(wanted))
        return wanted

    def on_version_apply(
        ctx: MigrationContext,  # noqa: ARG001 - Alembic calls with these names
        step: MigrationInfo,
        heads: Collection[str],
        run_args: Mapping[str, Any],  # noqa: ARG001
    ) -> None:
        reached = next(iter(heads), alembic_version.BASE)
        if step.is_stamp:
            executor.stamp(*stamp.versions(status, context.script, tuple(heads)), reached)
        else:
            run.record(step.up_revision_id, reached)
        run.committed(reached)

    context.configure(
        dialect_name="postgresql",
        dialect_opts=DIALECT_OPTIONS,
        fn=steps,
        literal_binds=True,
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=settings.ledger.schema,
        on_version_apply=on_version_apply,
    )
    # Without it psql would go on after an error, and run a migration on top of a failed one.
    output("\\set ON_ERROR_STOP on")
    output("\\encoding UTF8")
    impl = context.get_context().impl
    if isinstance(impl, ScriptImpl):
        impl.begin_as(executor.role)
    schema = where.schema_creation()
    if schema:
        impl.emit_begin()
        executor.send(schema)
        impl.emit_commit()
    with context.begin_transaction():
        context.run_migrations(run=run)
