"""Alembic's configuration for one environment, as its own command line makes it."""

from __future__ import annotations

from configparser import ConfigParser
from functools import cached_property
from pathlib import Path

from alembic.config import Config

from scripts.engine.observer import Observer
from scripts.errors import UsageError
from scripts.files.project import Environment, Project, parsed, shown


class _Utf8Config(Config):
    """Alembic's, with its file read as UTF-8, and in any folder: see `project.parsed`."""

    @cached_property
    def file_config(self) -> ConfigParser:
        """Return what alembic.ini says."""
        return parsed(Path(str(self.config_file_name)))


def make(project: Project, environment: Environment, observer: Observer) -> Config:
    if not (environment.folder / "env.py").is_file():
        folder = shown(environment.folder)
        raise UsageError(
            f"{environment.name} is in {shown(project.ini)}, but there is no {folder}/env.py",
            state="nothing was changed",
            hint=f"copy env.py and script.py.mako of another environment into {folder}/",
        )
    config = _Utf8Config(str(project.ini), ini_section=environment.name)
    config.attributes["observer"] = observer
    return config
