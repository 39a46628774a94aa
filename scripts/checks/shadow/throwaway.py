"""A server and databases that are gone afterwards, however it ends."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlsplit

import psycopg2
from psycopg2 import sql

from scripts.embedded import server
from scripts.engine import disclosure
from scripts.engine.session import address, signals
from scripts.engine.session.database import Notify
from scripts.errors import ServerError

PREFIX = "upskill_shadow_"
"""What the names of our databases begin with: no others are ever dropped."""
ADMIN = "postgres"
"""The database from which others are created."""
_ROLE = "CREATE ROLE {}"
_OF_SERVER = """
SELECT 'role', rolname FROM pg_roles
UNION ALL SELECT 'tablespace', spcname FROM pg_tablespace
UNION ALL SELECT 'database', datname FROM pg_database
WHERE pg_get_userbyid(datdba) = current_user AND datname NOT LIKE %(ours)s
"""
# What is here is here for seconds.
_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_locks_per_transaction": "1024",
}
_PATIENCE = 10.0
"""Seconds for the server to be gone."""


class Host(Protocol):
    """A server that has room for databases of ours."""

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""


class GivenHost(NamedTuple):
    """A server of somebody's own: for extensions, roles or versions that the embedded one lacks."""

    given: str
    """A URL of one of its databases, whose user may create others."""

    def url(self, database: str) -> str:
        """Return the URL of a database; for `ADMIN` the one that was given."""
        if database == ADMIN:
            return self.given
        return urlsplit(self.given)._replace(path=f"/{quote(database, safe='')}").geturl()


@contextmanager
def embedded(programs: Path | None) -> Iterator[Host]:
    """Start a server for a `with` block; it stops with this process, even if that is killed.

    Args:
        programs: as POSTGRES_BIN has them; None for the package's.

    Raises:
        ServerError: when it cannot be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="upskill-shadow-"))
    folder.chmod(0o755)  # as root, the server is another user
    home = folder / "postgres"
    try:
        with signals.deferred():
            started = server.join(home, bin=programs, settings=_QUICK, ephemeral=True)
            signals.check()
        yield started
    finally:
        server.leave(home)
        end = time.monotonic() + _PATIENCE
        while home.exists() and time.monotonic() < end:
            time.sleep(0.01)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(host: Host, environment: str, role: str) -> Iterator[str]:
    """Create a database for a `with` block, and drop it afterwards.

    With it goes what has come to a server of ours meanwhile, so that what makes a role can be run
    again.

    Args:
        host: where.
        environment: becomes a part of its name.
        role: whose it is to be, so that it may create in `public`; "" for whoever connects.

    Yields:
        Its URL.

    Raises:
        ServerError: when it cannot be created.
    """
    name, admin = f"{PREFIX}{environment}_{secrets.token_hex(4)}", host.url(ADMIN)
    try:
        before = set() if isinstance(host, GivenHost) else _of_server(host)
        if role and not isinstance(host, GivenHost):
            _run(admin, _ROLE, role)
        _run(admin, "CREATE DATABASE {} TEMPLATE template0", name)
    except psycopg2.Error as error:
        is_refused = isinstance(error, psycopg2.errors.InsufficientPrivilege)
        raise ServerError(
            "cannot create a database for the shadow",
            detail=address.without_password(str(error).strip(), admin),
            state="nothing was run on the shadow",
            hint="the user of --shadow-url needs the privilege CREATEDB" if is_refused else "",
        ) from error
    try:
        if role:
            _own(admin, name, role)
        yield host.url(name)
    finally:
        _drop_subscriptions(host.url(name))
        _run(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        if not isinstance(host, GivenHost):
            for kind, other in sorted(_of_server(host) - before):
                _run(admin, f"DROP {kind} IF EXISTS {{}}", other)


def _own(admin: str, name: str, role: str) -> None:
    try:
        _run(admin, "ALTER DATABASE {} OWNER TO {}", name, role)
    except psycopg2.Error as error:
        raise ServerError(
            f"cannot give the shadow database to MIGRATION_ROLE: {disclosure.of_error(error)}",
            state="nothing was run on the shadow",
            hint="create the role on the server of --shadow-url, or leave MIGRATION_ROLE unset",
        ) from error


def _drop_subscriptions(url: str) -> None:
    """Drop what would keep the database from being dropped, without asking its publisher."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
            " WHERE d.datname = current_database()"
        )
        names = [name for (name,) in cursor]
    for name in names:
        _run(url, "ALTER SUBSCRIPTION {} DISABLE", name)
        _run(url, "ALTER SUBSCRIPTION {} SET (slot_name = NONE)", name)
        _run(url, "DROP SUBSCRIPTION {}", name)


@contextmanager
def reported(host: Host, environment: str, notify: Notify) -> Iterator[None]:
    """Say after a `with` block what has come to a server that is not thrown away.

    Who has made it, nobody can tell: others may use the server as well.

    Args:
        host: where; of one that was started for this, nothing stays.
        environment: whose migrations run in the block.
        notify: is told what is left that was not there before.
    """
    if not isinstance(host, GivenHost):
        yield
        return
    before = _of_server(host)
    try:
        yield
    finally:
        left = ", ".join(f"{kind} {name}" for kind, name in sorted(_of_server(host) - before))
        if left:
            notify(f"{environment}: while the migrations ran, these came to the server: {left}")


def _of_server(host: Host) -> set[tuple[str, str]]:
    with closing(psycopg2.connect(host.url(ADMIN))) as connection, connection.cursor() as cursor:
        cursor.execute(_OF_SERVER, {"ours": f"{PREFIX}%"})
        return {(kind, name) for kind, name in cursor}


def _run(url: str, statement: str, *names: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor, suppress(psycopg2.errors.DuplicateObject):
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
