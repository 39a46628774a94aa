"""Makes a migration's two files."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from scripts.engine.observer import Observer
from scripts.files.project import Environment, Project


def create(
    project: Project, environment: Environment, name: str, author: str, observer: Observer
) -> tuple[Path, Path]:
    """Write a new migration's two files: `alembic -n … revision -m NAME`.

    Returns:
        The SQL file and the revision file.

    Raises:
        UsageError: when no file name can be made of the name.
        HistoryError: when the files there are do not form one history.
    """
    from alembic import command

    from scripts.engine.alembic_commands import alembic_config

    config = alembic_config.make(project, environment, observer)
    config.attributes["author"] = author
    with contextlib.redirect_stdout(io.StringIO()):  # Alembic's "Generating …  done"
        made = command.revision(config, message=name)
    if made is None or isinstance(made, list):
        raise AssertionError("Alembic wrote no revision file, or several")
    revision_file = Path(made.path)
    return environment.sql / f"{revision_file.stem}.sql", revision_file
