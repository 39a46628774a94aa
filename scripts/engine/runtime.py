"""What env.py calls: whatever command Alembic is at, it goes through here."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from alembic import context
from alembic.config import Config
from alembic.util import CommandError

from scripts.engine import creation
from scripts.engine.observer import log
from scripts.engine.run import offline, online
from scripts.errors import FileError, MigrationError, UsageError
from scripts.files import project


def run_environment() -> None:
    """Run Alembic's command for the environment whose env.py calls this.

    Raises:
        MigrationError: when it fails, and Alembic was called from Python.
        SystemExit: when it fails under Alembic's own command line; the error has been printed.
    """
    config = context.config
    from_terminal = config.cmd_opts is not None
    if from_terminal and not log.handlers:
        log.addHandler(logging.StreamHandler(sys.stderr))
        log.setLevel(logging.INFO)
    try:
        _run(config)
    except MigrationError as error:
        if not from_terminal:
            raise
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


def _run(config: Config) -> None:
    here = project.load(Path(config.config_file_name or "alembic.ini"))
    environment = here.environment(config.config_ini_section)
    # Alembic tells what it is at only through the options of a configured context.
    context.configure(dialect_name="postgresql", dialect_opts=offline.DIALECT_OPTIONS)
    options = context.get_context().opts
    try:
        if "revision_context" in options:
            creation.fill_in(environment, options["revision_context"])
        elif context.is_offline_mode():
            offline.write(here, environment)
        else:
            online.run(config, here, environment)
    except OSError as error:
        raise FileError.of(error) from error
    except CommandError as error:
        raise UsageError(
            f"{environment.name}: {error}",
            state="nothing was changed",
            way_out=f"`alembic -n {environment.name} history` lists the versions",
        ) from error
