"""`--sql`: the same run as a script for psql, without a database."""

from __future__ import annotations

from alembic import context
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import Dialect, literal, null

from scripts.engine import execution, ledger, settings
from scripts.engine.ledger import Ledger
from scripts.engine.observer import SilentObserver
from scripts.engine.run import Run
from scripts.engine.state import State
from scripts.files import history
from scripts.files.project import Environment, Project

DIALECT_OPTIONS = {"paramstyle": "named"}
"""With psycopg2's own paramstyle SQLAlchemy would double every percent sign."""


def write(here: Project, environment: Environment) -> None:
    """Write what Alembic's command would run, ledger and version included, to its output.

    Raises:
        MigrationError: as a run does, for files that are not in the format.
    """
    chosen = settings.load(here, environment, need_url=False)
    begun = context.get_context()
    run = Run(
        state=State(history.read(environment), Ledger(chosen.ledger), (), ()),
        directory=context.script,
        observer=SilentObserver(),
        execute=execution.writer(begun.impl.static_output),
        compose=lambda statement: render(statement, begun.dialect),
        stored=None,
        limits=chosen.limits,
        online=False,
    )
    context.configure(
        dialect_name="postgresql",
        dialect_opts=DIALECT_OPTIONS,
        fn=run.announced(begun.opts["fn"]),
        literal_binds=True,
        transaction_per_migration=True,
        version_table=ledger.VERSION_TABLE,
        version_table_schema=chosen.ledger.schema,
        on_version_apply=run.on_version_apply,
    )
    # Without it psql would go on after an error, and run a migration on top of a failed one.
    begun.impl.static_output("\\set ON_ERROR_STOP on")
    for statement in run.state.ledger.schema_creation():
        run.execute(run.compose(statement))
    with context.begin_transaction():
        context.run_migrations(run=run)


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
