"""Databases that are gone afterwards, however it ends, and what comes to their servers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2
from psycopg2 import sql

from scripts.checks.shadow import shared
from scripts.checks.shadow.servers import ADMIN, Host
from scripts.checks.shadow.shared import PREFIX, Shared
from scripts.engine import disclosure
from scripts.engine.session import address
from scripts.engine.session.database import Notify
from scripts.errors import ServerError

_ROLE = "CREATE ROLE {}"


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
        before = _of_server(host) if host.is_ours else {}
        if role and host.is_ours:
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
        if host.is_ours:
            for kind, other in sorted(_of_server(host).keys() - before.keys()):
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
    if host.is_ours:
        yield
        return
    before = _of_server(host)
    try:
        yield
    finally:
        left = ", ".join(
            f"{kind} {name}" for kind, name in sorted(_of_server(host).keys() - before.keys())
        )
        if left:
            notify(f"{environment}: while the migrations ran, these came to the server: {left}")


def _of_server(host: Host) -> Shared:
    with closing(psycopg2.connect(host.url(ADMIN))) as connection:
        return shared.read(connection)


def _run(url: str, statement: str, *names: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor, suppress(psycopg2.errors.DuplicateObject):
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
