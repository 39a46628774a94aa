"""Writes steps into a script for psql, as the server's executor runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alembic.runtime.migration import MigrationContext
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import Dialect, literal, null

from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.executor import Note, Performed
from scripts.engine.ledger.table import Ledger, Record
from scripts.engine.objects import existing
from scripts.engine.reported import Direction
from scripts.engine.safeguards import protection
from scripts.engine.settings import Settings
from scripts.engine.step import Step
from scripts.engine.switches import Switches
from scripts.sqltext import session_state
from scripts.sqltext.statements import Statement

# In a script only the server has a clock; inside a transaction, now() is when it began.
_SERVER_DURATION = SQL("extract(epoch FROM clock_timestamp() - now()) * 1000")


class ScriptExecutor:
    """Writes sections, and the ledger's statements, into a script."""

    def __init__(
        self,
        write: Callable[[str], None],
        context: MigrationContext,
        ledger: Ledger,
        settings: Settings,
        switches: Switches,
    ) -> None:
        """Write for psql.

        Args:
            write: takes a piece of the script, and adds the line breaks after it.
            context: Alembic's: it knows the dialect, and the way out of its transactions.
            ledger: where the ledger is assumed to be.
            settings: limits and role of the run.
            switches: the choices of the run.
        """
        self._write = write
        self._dialect = context.dialect
        self._context = context
        self._ledger = ledger
        self._limits = settings.limits
        self._assumed = settings.role
        self.role = render(Identifier(settings.role), context.dialect) if settings.role else ""
        """The quoted name of MIGRATION_ROLE, or ""."""
        self._switches = switches
        self._needs_ledger = False

    def execute(self, text: str) -> None:
        """Write SQL of our own, ended by a semicolon."""
        self._write(text if text.endswith(";") else f"{text};")

    def _statement(self, statement: Statement) -> None:
        """Write a file's statement as it stands; a comment may follow the last one."""
        text = statement.text.strip(" \t\n\r\f\v")
        self._write(text if statement.ended else f"{text}\n;")

    def run(self, step: Step) -> Performed:
        """Write a section; see `Executor.run`."""
        statements = step.section.statements
        if step.header.transactional:
            self.execute(timeouts.local(step.header, self._limits))
            self._look_up(step)
            for statement in statements:
                self._statement(statement)
            self._reset(session_state.resets(statements), "SET LOCAL ROLE")
        else:
            with self._context.autocommit_block():
                self._outside(step)
        looked = retry.possible(statements)
        existed = existing.kept(step.looked_up) if looked else existing.NOBODY_LOOKED
        return Performed(_SERVER_DURATION, 0, 0, existed)

    def _look_up(self, step: Step) -> None:
        """Write the look-up of objects before a section; SET TRANSACTION allows none."""
        if not retry.possible(step.section.statements):
            return
        if step.looked_up:
            self._write(f"{render(existing.keeping(step.looked_up), self._dialect)} \\gset")
        elif step.direction is Direction.DOWN and not self._switches.may_drop_existing(
            step.version
        ):
            guard = protection.guard(self._ledger, step)
            if guard:
                self.execute(do_block(guard, self._dialect))

    def _outside(self, step: Step) -> None:
        current: dict[str, int] = {}
        self._send([f"SET ROLE {self.role}"] if self.role else [])
        self._look_up(step)
        for statement in step.section.statements:
            wanted = timeouts.session(step.header, self._limits, statement)
            self._send(f"SET {k} = {v}" for k, v in wanted.items() if current.get(k) != v)
            current = wanted
            self._statement(statement)
        self._send(f"RESET {name}" for name in current)
        self._send(session_state.resets(step.section.statements))
        self._send(["RESET ROLE"] if self.role else [])

    def _reset(self, resets: list[str], assume: str) -> None:
        self._send(resets)
        self._send([f"{assume} {self.role}"] if self.role and resets else [])

    def _send(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.execute(statement)

    def begin(self, context: MigrationContext, *, at_base: bool) -> None:
        """A script cannot check whether there is a ledger: one that begins at base creates it."""
        self._context = context
        self._needs_ledger = at_base
        if not at_base:
            self.execute(do_block(_extension(self._ledger, self._assumed), self._dialect))

    def record(self, note: Note) -> None:
        """Write the ledger's statement; Alembic writes its version itself: see `Executor`."""
        self._create()
        self.send([note.change.statement(self._ledger)])

    def stamp(self, records: Iterable[Record], kept: Iterable[str], reached: str) -> None:  # noqa: ARG002
        """Write what makes the ledger have exactly these versions."""
        self._create()
        self.send(self._ledger.mirror(records, kept))

    def send(self, statements: Iterable[Composable]) -> None:
        """Write statements."""
        for statement in statements:
            self.execute(render(statement, self._dialect))

    def _create(self) -> None:
        if self._needs_ledger:
            self.send(self._ledger.creation())
            self._needs_ledger = False


def _extension(ledger: Ledger, role: str) -> Composable:
    """Return a DO block's body that adds the column which a ledger of an older release lacks.

    A script cannot check what exists; IF NOT EXISTS would lock the ledger, and print a notice.

    Args:
        ledger: where it is assumed to be.
        role: the role that owns it; "" stays with the login's.
    """
    assume: Composable = SQL("")
    if role:
        assume = SQL("SET LOCAL ROLE {}; ").format(Identifier(role))
    here: Composable = SQL("pg_catalog.pg_table_is_visible(c.oid)")
    if ledger.table.schema:
        here = SQL(
            "c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {})"
        ).format(Literal(ledger.table.schema))
    return SQL(
        "BEGIN {}IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'existed_before'"
        " WHERE c.relname = {} AND {})"
        " THEN ALTER TABLE {} ADD COLUMN existed_before jsonb; END IF; END"
    ).format(assume, Literal(ledger.table.name), here, ledger.name)


def do_block(body: Composable, dialect: Dialect) -> str:
    """Write a block of plpgsql out; DO takes it as a string, quoted whatever it holds."""
    return f"DO {render(Literal(render(body, dialect)), dialect)}"


def render(composed: Composable, dialect: Dialect) -> str:
    """Write a composed statement out without a connection to do the quoting.

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
            raise TypeError(f"{type(composed).__name__} cannot be written into a script")
