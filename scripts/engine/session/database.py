"""Opens connections, and waits for a server that is not up yet. The only place that does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Identifier, Literal

from scripts import __version__
from scripts.engine import disclosure
from scripts.engine.session import (
    address,
    session_settings,
    signals,
    waiting,
)
from scripts.engine.settings import Settings
from scripts.errors import ServerError
from scripts.sqltext import duration

_ISOLATION = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, NOT DEFERRABLE; "
APPLICATION = "upskill-migrations"
# As PgBouncer writes it; https://www.pgbouncer.org/features.html
_STATEMENT_MODE = "statement pooling mode"
Notify = Callable[[str], None]
"""Takes a line for the observer."""
Execute = Callable[[str], tuple[Any, ...] | None]
"""Takes one piece of SQL: sends it to the server, or writes it out.

Returns the first row of what it gave, None where there is none or nobody can know.
"""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
# libpq's own defaults notice a network that is gone after two hours, or never:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-KEEPALIVES
_KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Seconds, seconds, tries, milliseconds; what the URL says goes before."""


def connect(
    settings: Settings, notify: Notify = lambda _: None, *, direct: bool = False
) -> Connection:
    """Open a connection; try again, for as long as the settings allow, while the server is not up.

    libpq reads the URL itself, so every parameter works: several hosts, sslmode, sslrootcert;
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS.

    Args:
        settings: whose database; asked for its address at each try.
        notify: is told of each try that failed and is followed by another.
        direct: take the URL that leads past a pooler.

    Raises:
        UsageError: when the URL cannot be read.
        ServerError: when the server refuses, or cannot be reached in time; no message holds a
            password.
        Interrupted: when a signal ends the wait.
    """
    begin, pause, tries = time.monotonic(), _FIRST_PAUSE, 1
    while True:
        dsn = address.dsn(settings, direct=direct)
        try:
            return _open(dsn, settings)
        except psycopg2.OperationalError as error:
            from scripts.engine.session import connect_error

            message = address.without_password(str(error).strip(), dsn)
            left = begin + settings.connect_wait_ms / 1000 - time.monotonic()
            if connect_error.is_final(message) or left <= 0:
                raise _refused(settings, dsn, message, tries, direct=direct) from error
        reason = connect_error.reason(message)
        notify(f"cannot connect ({reason}); retrying for up to {left:.0f} s")
        signals.pause(min(pause, left))
        pause, tries = min(pause * 2, _LONGEST_PAUSE), tries + 1


def answers(opened: Connection, settings: Settings, asked: str = "SELECT 1") -> None:
    """Make sure that there is a server behind a connection, and not only a pooler.

    Args:
        opened: the connection.
        settings: say how long it may take.
        asked: what is sent; its effect stays.

    Raises:
        psycopg2.OperationalError: when none answers in time; the connection is closed then.
    """
    before = opened.autocommit
    opened.set_session(autocommit=True)
    seconds = settings.connect_timeout_ms / 1000
    with waiting.bounded(opened, seconds), opened.cursor() as cursor:
        cursor.execute(asked)
    opened.set_session(autocommit=before)


@contextmanager
def connection(settings: Settings, notify: Notify) -> Iterator[Connection]:
    """Open a connection for a `with` block, and close it after; what is not committed is gone."""
    opened = connect(settings, notify)
    with closing(opened), patiently(opened, settings):
        try:
            begin(opened, settings)
        except psycopg2.Error as error:
            raise ServerError(
                "the server does not answer",
                detail=disclosure.of_error(error),
                state="nothing was changed",
            ) from error
        yield opened


def patiently(opened: Connection, settings: Settings) -> AbstractContextManager[None]:
    """Bound the queries of our own on a connection, for a `with` block.

    A server that has frozen answers nothing, and TCP does not notice. Waits for locks count: where
    the settings allow those without limit, there is none.
    """
    lock_timeout_ms = settings.limits.lock_timeout_ms
    if not lock_timeout_ms:
        return waiting.unbounded(opened)
    return waiting.bounded(opened, waiting.PATIENCE + lock_timeout_ms / 1000)


def execute(opened: Connection, text: str) -> tuple[Any, ...] | None:
    """Send SQL to the server as it stands, and return the first row of what it gave.

    psycopg2 takes `%` for a placeholder only when it is given parameters, and it is given none.
    """
    with opened.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchone() if cursor.description else None


def application(environment: str) -> str:
    """Return what our sessions call themselves: tool, version, environment."""
    return f"{APPLICATION} {__version__} {environment}"


def begin(opened: Connection, settings: Settings, *, fresh: bool = True) -> None:
    """Begin a transaction, or go on in one: with a bounded wait for locks, and as MIGRATION_ROLE.

    Args:
        opened: the connection.
        settings: timeout and role.
        fresh: whether it begins here: its isolation is READ COMMITTED then, whatever is set for the
            role or the database. A file may choose another one.

    Raises:
        ServerError: when the login may not assume the role, or a pooler has no transactions.
    """
    try:
        with opened.cursor() as cursor:
            cursor.execute(opening(opened, settings, fresh=fresh))
    except psycopg2.errors.Error as error:
        if _STATEMENT_MODE in str(error):
            raise _no_transactions(settings, error) from error
        if not settings.role:
            raise
        raise ServerError(
            f"cannot assume the role {settings.role}",
            detail=disclosure.of_error(error),
            hint="set MIGRATION_ROLE to a role that exists, and GRANT it to the login",
        ) from error


def _no_transactions(settings: Settings, error: psycopg2.Error) -> ServerError:
    setting = settings.environment.url_setting()
    return ServerError(
        "the pooler runs each statement in a transaction of its own",
        detail=disclosure.of_error(error),
        hint=f"set its pool_mode to transaction, or {setting} to the server itself",
    )


def opening(opened: Connection, settings: Settings, *, fresh: bool = False) -> str:
    """Return what `begin` sends; `opened` does the quoting."""
    isolation = _ISOLATION if fresh else ""
    timeout = f"{isolation}SET LOCAL lock_timeout = {settings.limits.lock_timeout_ms};"
    if not settings.role:
        return timeout
    role = SQL("SET LOCAL ROLE {};").format(Identifier(settings.role))
    return f"{timeout} {role.as_string(opened)}"


def _open(dsn: str, settings: Settings) -> Connection:
    given = psycopg2.extensions.parse_dsn(dsn)
    chosen = given.get("connect_timeout") or settings.libpq_connect_timeout
    opened = waiting.interruptible(
        lambda: psycopg2.connect(
            dsn,
            fallback_application_name=application(settings.environment.name),
            client_encoding="UTF8",
            # Without one, libpq would wait for minutes; it counts whole seconds.
            connect_timeout=chosen or math.ceil(settings.connect_timeout_ms / 1000),
            **{name: value for name, value in _KEEPALIVE.items() if name not in given},
        )
    )
    answers(opened, settings, _neutral(opened))
    return opened


def neutralize(opened: Connection) -> None:
    """Set back what is set for the role or the database, for a session that is ours alone.

    Behind a pooler, which gives its clients process numbers of its own, the next client would get
    it: there each transaction sets what it needs.
    """
    execute(opened, _neutral(opened))


def _neutral(opened: Connection) -> str:
    """Return what `neutralize` sends: one query, which sets nothing behind a pooler."""
    values = session_settings.values(opened.server_version).items()
    rows = SQL(", ").join(SQL("({}, {})").format(Literal(name), Literal(to)) for name, to in values)
    query = SQL(
        "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES {}) AS ours (name, value)"
        " WHERE pg_catalog.pg_backend_pid() = {}"
    )
    return query.format(rows, Literal(opened.info.backend_pid)).as_string(opened)


def _refused(
    settings: Settings, dsn: str, message: str, tries: int, *, direct: bool
) -> ServerError:
    from scripts.engine.session import connect_error

    setting = settings.environment.url_setting(direct=direct)
    waited = duration.text(settings.connect_wait_ms)
    return ServerError(
        f"cannot connect to {address.place(dsn)}",
        detail=message + (f"\ntried {tries} times in {waited}" if tries > 1 else ""),
        state="" if direct else "nothing was changed",
        hint=connect_error.hint(message, setting),
    )
