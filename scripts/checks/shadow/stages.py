"""Stages, one after the other: the next where a migration has left one as no run would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2

from scripts.checks.shadow import preparation, throwaway
from scripts.checks.shadow.servers import Host
from scripts.checks.shadow.stage import Stage
from scripts.engine import disclosure
from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.errors import ServerError
from scripts.files import history


class Stages:
    """Makes stages for an environment; the last one is dropped with what it is given to."""

    def __init__(self, where: Host, settings: Settings, to: ExitStack) -> None:
        """Make none yet.

        Args:
            where: the server.
            settings: of the environment; the URL is not used.
            to: drops the last one when it is closed.
        """
        self._where = where
        self._settings = settings
        self._files = history.survey(settings.environment)[0]
        self._open = to

    def fresh(self) -> Stage:
        """Drop the stage that there is, and make one that shadow.sql has prepared.

        Raises:
            ServerError: when it cannot be made.
            MigrationError: when shadow.sql cannot be run.
        """
        self._open.close()
        environment = self._settings.environment
        url = self._open.enter_context(
            throwaway.database(self._where, environment.name, self._settings.role)
        )
        prepares = environment.sql / history.SHADOW
        if prepares.exists():
            preparation.run(prepares, environment.name, url)
        settings = self._settings._replace(url=url)
        stage = Stage(settings, self._files, owns_server=self._where.is_ours)
        return self._open.enter_context(closing(stage))


@contextmanager
def opened(where: Host, settings: Settings, notify: Notify) -> Iterator[tuple[Stages, Stage]]:
    """Give stages for a `with` block, and the first one; explain what cannot be done on them.

    Args:
        where: the server.
        settings: of the environment; the URL is not used.
        notify: is told what has come to a server of somebody's own.

    Raises:
        MigrationError: when a stage cannot be made or prepared, or is lost.
    """
    name = settings.environment.name
    try:
        with ExitStack() as made:
            stages = Stages(where, settings, made)
            first = stages.fresh()
            with throwaway.reported(where, name, notify):
                yield stages, first
    except psycopg2.Error as error:
        signals.check()
        raise ServerError(
            "the shadow cannot be read", environment=name, detail=disclosure.of_error(error)
        ) from error
