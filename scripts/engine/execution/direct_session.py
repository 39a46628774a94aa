"""The session for statements outside a transaction: past the pooler if a URL leads there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.session import waiting
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.errors import UsageError


@dataclass(frozen=True, slots=True)
class Session:
    """A connection in autocommit, and what is known about it."""

    connection: Connection
    pooled: bool
    """Whether a pooler may send each statement to another backend."""


@dataclass(frozen=True, slots=True)
class DirectSession:
    """Opens the session."""

    connection: RunConnection
    """The run's: it is in autocommit when a session is asked for."""
    lock: Lock | None
    blockers: Blockers | None

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Give the session for a `with` block.

        Raises:
            ServerError: when the direct connection cannot be opened.
            UsageError: when it leads elsewhere, or a pooler is in the way of MIGRATION_ROLE.
        """
        direct = self._direct()
        connection = direct or self.connection.raw
        try:
            on_tick = self.blockers.sample if self.blockers else None
            with waiting.unbounded(direct, on_tick) if direct else nullcontext():
                pids = {_pid(connection), _pid(connection)}
                # A pooler gives its clients numbers of its own.
                pooled = pids != {connection.info.backend_pid}
                if pooled:
                    self._warn(direct=direct is not None)
                if self.blockers:
                    self.blockers.begin(0 if pooled else pids.pop(), 0)
                yield Session(connection, pooled)
        finally:
            if direct:
                direct.close()

    def _direct(self) -> Connection | None:
        if not self.connection.has_direct:
            return None
        direct = self.connection.direct()
        direct.set_session(autocommit=True)
        if self.lock and not self.lock.is_seen_from(direct):
            direct.close()
            environment = self.connection.settings.environment
            raise UsageError(
                f"{environment.url_setting(direct=True)} is another database",
                detail="this run's lock is not visible there",
                hint=f"set it to the same database as {environment.url_setting()}",
            )
        return direct

    def _warn(self, *, direct: bool) -> None:
        environment = self.connection.settings.environment
        setting = environment.url_setting(direct=True)
        hint = f"{setting} is a pooler too" if direct else f"set {setting} to bypass it"
        if self.connection.settings.role:
            raise UsageError(
                "MIGRATION_ROLE cannot be used outside a transaction through a pooler: "
                "the next client would get a session with that role",
                hint=hint,
            )
        self.connection.notify(
            "connected through a pooler: statements outside a transaction may run on different "
            f"backends, and no timeouts are set for them; {hint}"
        )


def _pid(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int((cursor.fetchone() or (0,))[0])
