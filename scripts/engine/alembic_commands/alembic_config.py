"""Alembic's configuration for one environment, as its own command line makes it."""

from __future__ import annotations

from alembic.config import Config

from scripts.engine.observer import Observer
from scripts.errors import UsageError
from scripts.files.project import Environment, Project, parsed, shown


def make(project: Project, environment: Environment, observer: Observer) -> Config:
    if not (environment.folder / "env.py").is_file():
        folder = shown(environment.folder)
        raise UsageError(
            f"{environment.name} is in {shown(project.ini)}, but there is no {folder}/env.py",
            state="nothing was changed",
            way_out=f"copy env.py and script.py.mako of another environment into {folder}/",
        )
    config = Config(str(project.ini), ini_section=environment.name)
    config.file_config = parsed(project.ini)
    config.attributes["observer"] = observer
    return config
