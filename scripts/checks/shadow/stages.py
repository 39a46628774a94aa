"""Stages, one after the other: the next where a migration has left one as no run would."""

from __future__ import annotations

from contextlib import ExitStack, closing
from types import TracebackType

from scripts.checks.shadow import preparation, throwaway
from scripts.checks.shadow.servers import Host
from scripts.checks.shadow.stage import Stage
from scripts.engine.settings import Settings
from scripts.files import history


class Stages:
    """Makes stages for an environment; for a `with` block, at whose end the last one is dropped."""

    def __init__(self, where: Host, settings: Settings) -> None:
        """Make none yet.

        Args:
            where: the server.
            settings: of the environment; the URL is not used.
        """
        self._where = where
        self._settings = settings
        self._files = history.survey(settings.environment)[0]
        self._open = ExitStack()

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

    def __enter__(self) -> Stages:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop the stage that there is."""
        self._open.close()
