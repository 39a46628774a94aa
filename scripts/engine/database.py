"""URL → a connection. The one place that opens any."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts import __version__
from scripts.engine.embedded import server
from scripts.engine.settings import Settings
from scripts.errors import ServerError, UsageError
from scripts.files.project import Project

_SCHEME = re.compile(r"(postgres|postgresql)(\+psycopg2)?://")
_EMBEDDED = re.compile(r"embedded://([^/?#@:]{1,63})/?")
APPLICATION = "upskill-migrations"


def connect(project: Project, settings: Settings) -> Connection:
    """Open a connection.

    libpq reads the URL itself, so every parameter works: several hosts, sslmode, sslrootcert;
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS.

    Args:
        project: where an embedded server keeps its files.
        settings: whose database.

    Raises:
        UsageError: when the URL can't be read.
        ServerError: when the server can't be reached or refuses; no message holds a password.
    """
    dsn = _dsn(project, settings)
    try:
        return psycopg2.connect(
            dsn,
            fallback_application_name=f"{APPLICATION} {__version__} {settings.environment}",
            client_encoding="UTF8",
        )
    except psycopg2.OperationalError as error:
        raise ServerError(
            f"{settings.environment}: can't connect to {_place(dsn)}",
            detail=_without_password(str(error).strip(), dsn),
            state="nothing was changed",
            way_out=f"check {settings.environment.upper()}_DB_URL and that the server is up",
        ) from error


@contextmanager
def connection(project: Project, settings: Settings) -> Iterator[Connection]:
    """Open a connection for a `with` block, and close it after; what is not committed is gone."""
    opened = connect(project, settings)
    try:
        yield opened
    finally:
        opened.close()


def _dsn(project: Project, settings: Settings) -> str:
    url = settings.url
    name = _EMBEDDED.fullmatch(url)
    if name:
        return _embedded(project.root / ".postgres", name[1])
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise _unreadable(settings, "it begins neither with postgresql:// nor with embedded://")
    dsn = f"postgresql://{url[scheme.end() :]}"
    try:
        parts = psycopg2.extensions.parse_dsn(dsn)
    except psycopg2.ProgrammingError as error:
        # libpq quotes the part it stumbled on, which may be the password: only the name of an
        # unknown parameter is safe to repeat.
        unknown = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        reason = f"libpq knows no parameter '{unknown[1]}'" if unknown else ""
        raise _unreadable(
            settings,
            reason
            or "it has the form postgresql://user:password@host:5432/database?sslmode=require",
        ) from None
    if not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        # libpq took `user:pass/word@host` for a host, a port and a database.
        raise _unreadable(settings, "its port is no number")
    return dsn


def _unreadable(settings: Settings, reason: str) -> UsageError:
    return UsageError(
        f"{settings.environment.upper()}_DB_URL is no URL of a PostgreSQL database",
        detail=reason,
        way_out="in a user name or password write @ as %40, : as %3A, / as %2F and % as %25",
    )


def _embedded(home: Path, name: str) -> str:
    bin_folder = os.environ.get("POSTGRES_BIN")
    joined = server.join(home, bin=Path(bin_folder) if bin_folder else None)
    server.ensure_database(joined, name)
    return joined.url(name)


def _without_password(message: str, dsn: str) -> str:
    password = psycopg2.extensions.parse_dsn(dsn).get("password")
    return message.replace(password, "***") if password else message


def _place(dsn: str) -> str:
    """Say where a DSN leads, without its password."""
    parts = psycopg2.extensions.parse_dsn(dsn)
    user = parts.get("user", "the default user")
    database = parts.get("dbname", "the default database")
    port = f":{parts['port']}" if "port" in parts else ""
    return f"{parts.get('host', 'the default host')}{port}, database {database}, as {user}"
