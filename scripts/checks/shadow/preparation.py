"""What prepares the empty shadow: sql/<environment>/shadow.sql."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2

from scripts.engine.execution.statement import run_statement
from scripts.engine.session import database
from scripts.errors import FormatError, MigrationError
from scripts.files import migration_file, sections
from scripts.files.project import shown
from scripts.sqltext import lexer, statements


def run(path: Path, environment: str, url: str) -> None:
    """Run the file as psql would: each statement by itself, on a connection of its own.

    Not as `MIGRATION_ROLE`, as it may create that role, or what belongs to others; and nothing that
    it sets is left for the migrations.

    Args:
        path: of the file.
        environment: whose it is.
        url: of the shadow database.

    Raises:
        FormatError: when it is not a text of SQL statements.
        StatementError: when the server refuses one.
    """
    text = migration_file.read_text(path)
    place, ran = shown(path), 0
    try:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            execute = partial(database.execute, connection)
            for statement in statements.split(text):
                run_statement(execute, statement, place, ran, None)
                ran += 1
    except lexer.UnterminatedError as error:
        line = sections.line_of(text, error.start)
        raise FormatError(str(error), line=line, path=place) from error
    except MigrationError as error:
        error.complete(environment=environment, state="nothing was run on the shadow")
        raise
