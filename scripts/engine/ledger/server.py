"""What a run needs to know about the server behind a connection, and where it leads."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class


class Server(NamedTuple):
    """What a run needs to know about the server."""

    read_only: bool = False
    standby: bool = False
    replication_role: str = "origin"
    """Another one keeps triggers and foreign keys from firing."""
    version: int = 0
    """As libpq has it: 150004 is 15.4."""
    platform: str = ""
    """What version() says: "PostgreSQL 15.4 on x86_64-pc-linux-gnu, compiled by …"."""
    database: int = 0
    """The database's oid."""
    started: datetime | None = None
    """When the server was started: no two are in one microsecond. A system identifier would be no
    better, since copies of a data directory share it. None where the login may not ask."""
    address: str = ""
    """As libpq has it: see `address`."""

    @property
    def product(self) -> str:
        """Return what it is: "PostgreSQL 15.4"."""
        return " ".join(self.platform.split()[:2])

    def same_database(self, other: Server) -> bool:
        """Tell whether both are one database of one server, whatever the addresses were.

        If that is not known, they count as two.
        """
        return self.started is not None and (self.database, self.started) == (
            other.database,
            other.started,
        )


UNKNOWN = Server()
"""One that was not asked."""


def ask(connection: Connection) -> Server:
    """Ask the server what it is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('transaction_read_only')::bool, pg_is_in_recovery(),"
            " current_setting('session_replication_role'),"
            " current_setting('server_version_num')::int, version(),"
            " (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),"
            " has_function_privilege('pg_catalog.pg_postmaster_start_time()', 'EXECUTE')"
        )
        *known, may_ask = cursor.fetchone() or (False,)
        if not may_ask:
            return Server(*known)._replace(address=address(connection))
        # In the statement above it would be refused before a CASE could keep it from being called.
        cursor.execute("SELECT pg_catalog.pg_postmaster_start_time()")
        (started,) = cursor.fetchone() or (None,)
        return Server(*known)._replace(started=started, address=address(connection))


def address(connection: Connection) -> str:
    """Say where a connection leads: user, host, port and database, as libpq has them."""
    info = connection.info
    host = "this machine" if info.host.startswith("/") or not info.host else info.host
    return f"{info.user}@{host}:{info.port}/{info.dbname}"
