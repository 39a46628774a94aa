"""The level of live databases: each is held against its ledger, its files and a shadow of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import unlocked
from scripts.checks.finding import Finding
from scripts.checks.live import drift, ledger
from scripts.checks.live import plan as plans
from scripts.checks.live.comparable import Owner
from scripts.checks.live.drift import Live
from scripts.checks.live.plan import Plan
from scripts.checks.shadow.servers import Servers
from scripts.engine import disclosure, status
from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger
from scripts.engine.operations import baseline
from scripts.engine.session import database
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status
from scripts.errors import ServerError
from scripts.files import history

_OURS = """
SELECT format('%%I.%%I', n.nspname, c.relname), quote_ident(n.nspname),
  pg_get_userbyid(c.relowner)::text, quote_ident(pg_get_userbyid(c.relowner))
FROM unnest(%s) WITH ORDINALITY wanted (name, place)
JOIN pg_class c ON c.oid = to_regclass(wanted.name)
JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY wanted.place
"""
_MOST = """
SELECT pg_get_userbyid(c.relowner)::text, quote_ident(pg_get_userbyid(c.relowner))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.oid >= 16384 AND n.nspname !~ '^pg_'
GROUP BY c.relowner ORDER BY count(*) DESC, 1 LIMIT 1
"""
# https://www.postgresql.org/docs/current/view-pg-user-mappings.html
_SEES_ALL = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


def plan(servers: Servers, settings: Settings, notify: Notify) -> Plan:
    """Say what the pending migrations of a database will lock there; nothing is written.

    Args:
        servers: where a shadow is made.
        settings: of the database.
        notify: is told when a server lets us wait.

    Raises:
        ServerError: when the database cannot be reached or read.
        MigrationError: when the shadow cannot be made.
    """
    with _reading(settings, notify) as (_, found):
        pass
    ahead = plans.preview(servers, settings, found)
    with _reading(settings, notify) as (connection, _):
        return plans.weighed(connection, found.name, ahead)


def check(servers: Servers, settings: Settings, notify: Notify) -> list[Finding]:
    """Check a database's ledger, and its catalog against its migrations; nothing is written.

    Args:
        servers: where a shadow is made.
        settings: of the database.
        notify: is told when a server lets us wait.

    Raises:
        ServerError: when the database cannot be reached or read.
        MigrationError: when the shadow cannot be made.
    """
    with _reading(settings, notify) as (connection, found):
        for remark in found.remarks:
            notify(f"{found.name}: {remark}")
        findings = list(ledger.check(connection, found))
        live = look(connection, found.ledger)
    # The connection is closed: what it has read holds no lock while the shadow is made.
    return findings + (drift.check(servers, settings, found, live) if found.ledger.exists else [])


def differences(servers: Servers, settings: Settings, at: str, notify: Notify) -> list[Finding]:
    """Compare a database that has no ledger with what migrations make; nothing is written.

    Args:
        servers: where a shadow is made.
        settings: of the database.
        at: the last of the migrations.
        notify: is told when a server lets us wait.

    Raises:
        ServerError: when the database cannot be reached or read.
        LedgerError: when it has a ledger.
        HistoryError: when there is no such migration.
        MigrationError: when the shadow cannot be made.
    """
    with _reading(settings, notify) as (connection, found):
        versions = [one.version for one in baseline.versions(found, at)]
        live = look(connection, found.ledger)
    return drift.at(servers, settings, versions, live)


@contextmanager
def _reading(settings: Settings, notify: Notify) -> Iterator[tuple[Connection, Status]]:
    """Give a connection that only reads, and files and ledger, for a `with` block."""
    # It reads what everybody may read: who runs migrations may be somebody else.
    reader = settings._replace(role="")
    environment = settings.environment
    try:
        with database.connection(reader, notify) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            yield connection, status.read(connection, reader, history.survey(environment)[0])
    except psycopg2.Error as error:
        headline, _, detail = disclosure.of_error(error).partition("\n")
        raise ServerError(
            f"{environment.name}: {headline}", detail=detail, state="nothing was changed"
        ) from error


def look(connection: Connection, of: Ledger) -> Live:
    """Read the catalog, and whose migrations' objects are: the ledger's owner, or most others'."""
    names = [one.as_string(connection) for one in (of.name, of.version_name, event_table.name(of))]
    with connection.cursor() as cursor:
        cursor.execute(_OURS, (names,))
        ours = cursor.fetchall()
        cursor.execute(_SEES_ALL)
        sees_all = cursor.fetchone() == (True,)
        cursor.execute(_MOST)
        most = cursor.fetchone() or ("", "")
    catalog = unlocked.take(connection, lambda _: True)
    tables = tuple(row[0] for row in ours)
    _, schema, *owner = ours[0] if ours else ("", "", *most)
    return Live(catalog, Owner(*owner), tables, schema, sees_all)
