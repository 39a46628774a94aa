"""What env.py calls: every command of Alembic passes through here."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psycopg2
from alembic import context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from scripts.engine import boundary, disclosure, settings, switches
from scripts.engine.alembic_commands import creation, offline, online
from scripts.engine.observer import logger
from scripts.engine.settings import Settings
from scripts.errors import FileError, HistoryError, MigrationError, ServerError, UsageError
from scripts.files import project
from scripts.files.project import Environment, Project, shown


class _Handler(logging.StreamHandler[TextIO]):
    """Writes what an observer logs, and tells it when that is not possible."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's names
        """Raise what went wrong, as `print` does."""
        raise


def run_environment() -> None:
    """Run Alembic's command for the environment whose env.py calls this.

    Raises:
        MigrationError: when it fails, and Alembic was called from Python.
        SystemExit: when it fails in Alembic's own command line; the error has been printed.
    """
    config = context.config
    from_terminal = config.cmd_opts is not None
    log = logger()
    if from_terminal and not log.handlers and sys.stderr is not None:
        log.addHandler(_Handler(sys.stderr))
        log.setLevel(logging.INFO)
    in_full = False
    try:
        if from_terminal and switches.shows_values(context.get_x_argument()):
            switches.check_terminal(is_terminal=sys.stderr.isatty())
            in_full = True
        _run(config)
    except MigrationError as error:
        if not from_terminal:
            raise
        if sys.stderr is not None:
            with suppress(OSError):
                sys.stderr.write(f"{disclosure.for_terminal(error, in_full=in_full)}\n")
        raise SystemExit(error.exit_code) from error


@contextmanager
def _told(environment: Environment) -> Iterator[None]:
    """Say that nothing was changed, unless a run has said more; name a broken revision file."""
    try:
        with boundary.located(environment.name, f"nothing was changed in {environment.name}"):
            yield
    except MigrationError:
        raise
    except Exception as error:
        place = _revision_file(error, environment)
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, psycopg2.Error | SQLAlchemyError):
            raise ServerError(
                "the connection failed",
                detail=disclosure.of_exception(cause),
                state="`python scripts/status.py` shows what is applied",
                hint="run the command again",
            ) from error
        if place is None:
            raise
        raise HistoryError(
            "cannot load a revision file",
            where=place,
            detail=f"{type(error).__name__}: {disclosure.of_library(error)}",
            state=f"nothing was changed in {environment.name}",
            hint="`python scripts/validate.py` shows what is wrong with it",
        ) from error


def _revision_file(error: Exception, environment: Environment) -> str | None:
    """Return the revision file that an exception comes from, if it comes from one."""
    files = [error.filename or ""] if isinstance(error, SyntaxError) else []
    files += [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    folder = str(environment.versions)
    return next((shown(Path(file)) for file in files if file.startswith(folder)), None)


def _settings(
    config: Config, here: Project, environment: Environment, *, need_url: bool
) -> Settings:
    """Return what a program has chosen, or what variables and .env say."""
    chosen: Settings | None = config.attributes.get("settings")
    return chosen or settings.load(here, environment, need_url=need_url)


def _run(config: Config) -> None:
    here = project.load(Path(config.config_file_name or "alembic.ini"))
    environment = here.environment(config.config_ini_section)
    # Alembic reveals its command only through the options of a configured context.
    context.configure(dialect_name="postgresql", dialect_opts=offline.DIALECT_OPTIONS)
    options = context.get_context().opts
    try:
        with _told(environment):
            if "revision_context" in options:
                creation.fill_in(environment, options["revision_context"])
            elif context.is_offline_mode():
                offline.write(_settings(config, here, environment, need_url=False))
            else:
                given = config.attributes.get("connection") is not None
                online.run(config, _settings(config, here, environment, need_url=not given))
    except OSError as error:
        raise FileError.of(error) from error
    except CommandError as error:
        raise UsageError(
            f"{error}",
            environment=environment.name,
            state="nothing was changed",
            hint=f"`alembic -n {environment.name} history` lists the versions",
        ) from error
