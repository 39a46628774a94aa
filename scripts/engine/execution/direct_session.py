"""The session for statements outside a transaction: past the pooler if a URL leads there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.session import session_settings, waiting
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.errors import UsageError


class Session(NamedTuple):
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
            UsageError: when it leads elsewhere, or a pooler is in the way of MIGRATION_ROLE, or of
                setting back what is set for the role or the database.
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
                    self._check_pooled(connection, direct=direct is not None)
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

    def _check_pooled(self, connection: Connection, *, direct: bool) -> None:
        """Refuse what nothing can be done about behind a pooler; warn of the rest."""
        environment = self.connection.settings.environment
        setting = environment.url_setting(direct=True)
        hint = f"{setting} is a pooler too" if direct else f"set {setting} to bypass it"
        if self.connection.settings.role:
            raise UsageError(
                "MIGRATION_ROLE cannot be used outside a transaction through a pooler: "
                "the next client would get a session with that role",
                hint=hint,
            )
        unlike = _unlike_ours(connection)
        changed = [
            f"{name} = {unlike[name]}" for name in session_settings.MEANING if name in unlike
        ]
        if changed:
            raise UsageError(
                f"{', '.join(changed)} changes what a file outside a transaction means",
                detail="it is set for the role, the database or the server, and through a pooler "
                "it cannot be set back: the next client would get the session",
                hint=hint,
            )
        ending = [
            f"{name} = {unlike[name]}" for name in session_settings.TIMEOUTS if name in unlike
        ]
        which = f"only those of the server ({', '.join(ending)})" if ending else "no timeouts"
        self.connection.notify(
            "connected through a pooler: statements outside a transaction may run on different "
            f"backends, and {which} hold for them; {hint}"
        )


def _unlike_ours(connection: Connection) -> dict[str, str]:
    """Return the settings of a session that differ from ours, by name."""
    ours = session_settings.values(connection.server_version) | {"lock_timeout": "0"}
    names = (*session_settings.MEANING, *session_settings.TIMEOUTS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s)",
            (list(names),),
        )
        return {name: value for name, value in cursor.fetchall() if value != ours[name]}


def _pid(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int((cursor.fetchone() or (0,))[0])
