"""A URL as people write it → what libpq connects to."""

from __future__ import annotations

import re

import psycopg2

from scripts.engine import disclosure
from scripts.engine.settings import Settings
from scripts.errors import UsageError

_SCHEME = re.compile(r"(postgres|postgresql)(\+psycopg2)?://")
_FORM = "postgresql://user:password@host:5432/database?sslmode=require"
_ESCAPES = "in user names and passwords, write @ as %40, : as %3A, / as %2F and % as %25"
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS, those that people
# write; libpq itself says which it knows.
_PARAMETERS = (
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
)
_EMBEDDED = re.compile(r"embedded://([^/?#@:]{1,63})/?")


def dsn(settings: Settings, *, direct: bool = False) -> str:
    """Return what to hand to libpq; starts the embedded server where the URL asks for it.

    Args:
        settings: whose database.
        direct: take the URL that leads past a pooler.

    Raises:
        UsageError: when the URL cannot be read.
        ServerError: when the embedded server cannot be started.
    """
    url = settings.direct_url if direct else settings.url
    name = _EMBEDDED.fullmatch(url)
    if name:
        return _embedded(settings, name[1])
    setting = settings.environment.url_setting(direct=direct)
    if _SCHEME.match(url) is None:
        raise _unreadable(
            setting,
            "it starts with neither postgresql:// nor embedded://",
            f"write {_FORM}, or embedded://{settings.environment.name} to try things out",
        )
    return checked(url, setting)


def checked(url: str, setting: str) -> str:
    """Return a server's URL as libpq reads it.

    Args:
        url: as people write it.
        setting: where they write it, as an error names it.

    Raises:
        UsageError: when it cannot be read; its text is not repeated, as it may hold a password.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise _unreadable(setting, "it does not start with postgresql://", f"write {_FORM}")
    read = f"postgresql://{url[scheme.end() :]}"
    try:
        parts = psycopg2.extensions.parse_dsn(read)
    except psycopg2.ProgrammingError as error:
        # libpq quotes the part it stumbled on, which may be the password: only the name of an
        # unknown parameter is safe to repeat.
        unknown = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        if unknown:
            raise _unknown_parameter(setting, unknown[1]) from None
        raise _unreadable(setting, f"the form is {_FORM}") from None
    if not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        # libpq read `user:pass/word@host` as a host, a port and a database.
        raise _unreadable(setting, "its port is not a number")
    if "@" in parts.get("host", "") or re.search(r"@|://", parts.get("dbname", "")):
        # libpq ended the password at its first @, or read a part of it as the database.
        raise _unreadable(setting, "its host or database contains an @")
    return read


def place(dsn: str) -> str:
    """Say where a DSN leads, without its password."""
    parts = psycopg2.extensions.parse_dsn(dsn)
    user = parts.get("user", "the default user")
    database = parts.get("dbname", "the default database")
    port = f":{parts['port']}" if "port" in parts else ""
    return f"{parts.get('host', 'the default host')}{port}, database {database}, as {user}"


def without_password(message: str, dsn: str) -> str:
    """Return a message of libpq with the password, if it contains one, masked."""
    parts = psycopg2.extensions.parse_dsn(dsn)
    passwords = (parts.get("password"), parts.get("sslpassword"))
    return disclosure.of_connecting(message, passwords)


def _unreadable(setting: str, reason: str, hint: str = _ESCAPES) -> UsageError:
    return UsageError(f"{setting} is not a PostgreSQL URL", detail=reason, hint=hint)


def _unknown_parameter(setting: str, name: str) -> UsageError:
    import difflib

    close = difflib.get_close_matches(name, _PARAMETERS, 1)
    return UsageError(
        f"{setting}: unknown connection parameter `{name}`",
        hint=f"did you mean `{close[0]}`?"
        if close
        else "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS "
        "lists them",
    )


def _embedded(settings: Settings, name: str) -> str:
    from scripts.embedded import server

    joined = server.join(settings.project.root / ".postgres", bin=settings.postgres_bin)
    server.ensure_database(joined, name)
    return joined.url(name)
