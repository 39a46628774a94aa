"""`--sql`: the same run as a script for psql, without a database."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from alembic import context
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import Dialect, literal, null

from scripts.engine import settings, switches
from scripts.engine.alembic_commands.script_impl import ScriptImpl
from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.executor import Autocommit, Performed
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.recorder import Move
from scripts.engine.execution.statement import Execute, writer
from scripts.engine.ledger.events import Event
from scripts.engine.ledger.table import VERSION_TABLE, Ledger, Record
from scripts.engine.objects import existing
from scripts.engine.observer import Direction, SilentObserver
from scripts.engine.run.loop import Loop
from scripts.engine.run.plan import Guards, Plan
from scripts.engine.run.steps import Run
from scripts.engine.safeguards import protection
from scripts.engine.settings import Limits
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Switches
from scripts.errors import UsageError
from scripts.files import history, revision_file
from scripts.files.project import Environment, Project
from scripts.sqltext import session_state

DIALECT_OPTIONS = {"paramstyle": "named"}
"""With psycopg2's own paramstyle SQLAlchemy would double every percent sign."""

# In a script nobody has a clock but the server; inside a transaction now() is when it began.
_SERVER_DURATION = SQL("extract(epoch FROM clock_timestamp() - now()) * 1000")


def write(here: Project, environment: Environment) -> None:
    """Write what Alembic's command would run, ledger and version included, to its output.

    The event log is for what this tool ran itself: a script has none.

    Raises:
        MigrationError: as a run does, for files that are not in the format.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as the files, in every locale
    revision_file.check(environment)
    chosen = settings.load(here, environment, need_url=False)
    begun = context.get_context()
    choices = switches.read(context.config, context.get_x_argument())
    if choices.partial is not None:
        raise UsageError(
            "-x partial needs a database: a script can't know how far a file came",
            state="nothing was written",
            way_out="leave --sql out",
        )
    execute = writer(begun.impl.static_output)
    where = Ledger(chosen.ledger, visible=chosen.ledger.schema in (None, "public"))
    role = render(Identifier(chosen.role), begun.dialect) if chosen.role else ""
    recorder = ScriptRecorder(
        ledger=where, execute=execute, dialect=begun.dialect, role=chosen.role
    )
    files = Status(history.read(environment), where, (), ())
    run = Run(
        state=files,
        directory=context.script,
        observer=SilentObserver(),
        performer=ScriptPerformer(
            execute, begun.impl.static_output, begun.dialect, where, choices, chosen.limits, role
        ),
        recorder=recorder,
        moves_version=False,
        plan=Plan(files, None, joined=False, guards=Guards()),
        guard=Guard(name=environment.name),
    )
    context.configure(
        dialect_name="postgresql",
        dialect_opts=DIALECT_OPTIONS,
        fn=Loop(run=run, prepare=lambda _: None).of(begun.opts["fn"]),
        literal_binds=True,
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=chosen.ledger.schema,
        on_version_apply=run.on_version_apply,
    )
    # Without it psql would go on after an error, and run a migration on top of a failed one.
    begun.impl.static_output("\\set ON_ERROR_STOP on")
    begun.impl.static_output("\\encoding UTF8")
    impl = context.get_context().impl
    if role and isinstance(impl, ScriptImpl):
        impl.opening = f"SET LOCAL ROLE {role};"
    schema = where.schema_creation()
    if schema:
        impl.emit_begin()
        recorder.send(schema)
        impl.emit_commit()
    with context.begin_transaction():
        context.run_migrations(run=run)


@dataclass(frozen=True)
class ScriptPerformer:
    """Writes a section's statements into the script."""

    execute: Execute
    write: Callable[[str], None]
    """Takes what is no SQL, as it stands."""
    dialect: Dialect
    ledger: Ledger
    switches: Switches
    limits: Limits
    role: str
    """The quoted name of MIGRATION_ROLE, or ""."""

    def perform(self, todo: Step, autocommit: Autocommit) -> Performed:
        """Write a section; see `Performer.perform`."""
        statements = todo.section.statements
        if todo.header.transactional:
            self.execute(timeouts.local(todo.header, self.limits))
            self._look_up(todo)
            for statement in statements:
                self.execute(statement.text)
            self._reset(session_state.resets(statements), "SET LOCAL ROLE")
        else:
            with autocommit():
                self._outside(todo)
        looked = retry.possible(statements)
        existed = existing.kept(todo.looked_up) if looked else existing.NOBODY_LOOKED
        return Performed(_SERVER_DURATION, 0, 0, existed)

    def _look_up(self, todo: Step) -> None:
        """Write what looks up objects ahead of a section; SET TRANSACTION bears no query."""
        if not retry.possible(todo.section.statements):
            return
        if todo.looked_up:
            self.write(f"{render(existing.keeping(todo.looked_up), self.dialect)} \\gset")
        elif todo.direction is Direction.DOWN and not self.switches.may_drop_existing(todo.version):
            guard = protection.guard(self.ledger, todo)
            if guard:
                self.execute(do_block(guard, self.dialect))

    def _outside(self, todo: Step) -> None:
        current: dict[str, int] = {}
        self._send([f"SET ROLE {self.role}"] if self.role else [])
        self._look_up(todo)
        for statement in todo.section.statements:
            wanted = timeouts.session(todo.header, self.limits, statement)
            self._send(f"SET {k} = {v}" for k, v in wanted.items() if current.get(k) != v)
            current = wanted
            self.execute(statement.text)
        self._send(f"RESET {name}" for name in current)
        self._send(session_state.resets(todo.section.statements))
        self._send(["RESET ROLE"] if self.role else [])

    def _reset(self, resets: list[str], assume: str) -> None:
        self._send(resets)
        self._send([f"{assume} {self.role}"] if self.role and resets else [])

    def _send(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.execute(statement)


@dataclass(kw_only=True)
class ScriptRecorder:
    """Writes the ledger's statements into the script."""

    ledger: Ledger
    execute: Execute
    dialect: Dialect
    role: str
    """MIGRATION_ROLE, or ""."""
    _needs_ledger: bool = field(default=False, init=False)

    def begin(self, *, at_base: bool) -> None:
        """A script can't look whether there is a ledger: one that begins at base makes it."""
        self._needs_ledger = at_base
        if not at_base:
            self.execute(do_block(self.ledger.script_extension(self.role), self.dialect))

    def note(
        self,
        note: Composable,
        move: Move | None,  # noqa: ARG002 - Alembic writes its version itself
        happened: Sequence[Event],  # noqa: ARG002
        state: str,  # noqa: ARG002
    ) -> None:
        """Write the ledger's statement; see `Recorder.note`."""
        self._create()
        self.send([note])

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:  # noqa: ARG002
        """Write what makes the ledger have just these versions."""
        self._create()
        self.send(self.ledger.mirror(records, kept))

    def send(self, statements: Iterable[Composable]) -> None:
        """Write statements."""
        for statement in statements:
            self.execute(render(statement, self.dialect))

    def _create(self) -> None:
        if self._needs_ledger:
            self.send(self.ledger.creation())
            self._needs_ledger = False


def do_block(body: Composable, dialect: Dialect) -> str:
    """Write a block of plpgsql out; DO takes it as a string, quoted whatever it holds."""
    return f"DO {render(Literal(render(body, dialect)), dialect)}"


def render(composed: Composable, dialect: Dialect) -> str:
    """Write a composed statement out where no connection can do the quoting.

    Args:
        composed: made of SQL, identifiers, and strings, whole numbers or NULL.
        dialect: SQLAlchemy's, which knows how to quote.

    Raises:
        TypeError: for a value of another type.
    """
    match composed:
        case Composed():
            return "".join(render(part, dialect) for part in composed.seq)
        case SQL():
            return composed.string
        case Identifier():
            quote = dialect.identifier_preparer.quote_identifier
            return ".".join(quote(name) for name in composed.strings)
        case Literal():
            value = null() if composed.wrapped is None else literal(composed.wrapped)
            return str(value.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        case _:
            raise TypeError(f"{type(composed).__name__} can't be written into a script")
