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
from scripts.engine.alembic_commands.command import AlembicCommand, Planned
from scripts.engine.alembic_commands.script import ScriptExecutor
from scripts.engine.alembic_commands.script_impl import ScriptImpl
from scripts.engine.ledger import alembic_version
from scripts.engine.ledger.table import VERSION_TABLE, Ledger
from scripts.engine.observer import SilentObserver
from scripts.engine.run.plan import Plan
from scripts.engine.run.run import Run
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.engine.switches import NO_SWITCHES
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
    choices = switches.read(
        context.config.attributes.get("switches", NO_SWITCHES), context.get_x_argument()
    )
    if choices.partial is not None:
        raise UsageError(
            "-x partial needs a database: a script cannot know how much of a file has run",
            state="nothing was written",
            hint="leave --sql out",
        )
    entries = history.read(settings.environment)
    revision_file.check(entries)
    ledger = Ledger(settings.ledger, visible=settings.ledger.schema in (None, "public"))
    empty = Status(entries, ledger, (), ())
    begun = context.get_context()
    AlembicCommand.of(begun, context.script).check_target(empty)
    executor = ScriptExecutor(begun.impl.static_output, begun, ledger, settings, choices)
    script = _Script(empty, executor, begun.opts["fn"])
    context.configure(
        dialect_name="postgresql",
        dialect_opts=DIALECT_OPTIONS,
        fn=script.steps,
        literal_binds=True,
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=settings.ledger.schema,
        on_version_apply=script.on_version_apply,
    )
    _write_opening(executor, ledger)
    with context.begin_transaction():
        context.run_migrations(run=script.run)


def _write_opening(executor: ScriptExecutor, ledger: Ledger) -> None:
    impl = context.get_context().impl
    # Without it psql would continue after an error, and run a migration after a failed one.
    impl.static_output("\\set ON_ERROR_STOP on")
    impl.static_output("\\encoding UTF8")
    if isinstance(impl, ScriptImpl):
        impl.begin_as(executor.role)
    schema = ledger.schema_creation()
    if schema:
        impl.emit_begin()
        executor.send(schema)
        impl.emit_commit()


class _Script:
    """A run that is written as a script: what Alembic calls for each step."""

    def __init__(self, status: Status, executor: ScriptExecutor, planned: Planned) -> None:
        self._status, self._executor, self._planned = status, executor, planned
        self.run = Run(status, Plan(status, None, None), executor, SilentObserver())

    def steps(self, heads: Any, of: MigrationContext) -> list[MigrationStep]:
        """Read all that the steps will run before the first one is written."""
        self._executor.begin(of, at_base=not heads)
        wanted = list(self._planned(heads, of))
        self.run.plan.read(command.moves(wanted))
        return wanted

    def on_version_apply(
        self,
        ctx: MigrationContext,  # noqa: ARG002 - Alembic calls with these names
        step: MigrationInfo,
        heads: Collection[str],
        run_args: Mapping[str, Any],  # noqa: ARG002
    ) -> None:
        """Write the ledger's row: Alembic's hook, called at the end of each step."""
        reached = next(iter(heads), alembic_version.BASE)
        if step.is_stamp:
            self._executor.stamp(
                *stamp.versions(self._status, context.script, tuple(heads)), reached
            )
        else:
            self.run.record(step.up_revision_id, reached)
        self.run.committed(reached)
