"""The level of live databases: each is held against its ledger, its files and a shadow of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.sql import SQL, Identifier

from scripts.catalog import unlocked
from scripts.catalog.unlocked import Look
from scripts.checks.finding import Finding
from scripts.checks.live import drift, ledger
from scripts.checks.live import plan as plans
from scripts.checks.live.comparable import Owner
from scripts.checks.live.drift import Live
from scripts.checks.live.plan import Plan
from scripts.checks.shadow.servers import Servers
from scripts.engine import disclosure, status
from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger, qualified
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
_MAY_READ = "SELECT has_table_privilege(to_regclass(%s)::oid, 'SELECT')"
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
    with _reading(settings, notify) as connection:
        found = _status(connection, settings)
    if found.ahead:
        return Plan((), (plans.ahead(found),))
    ahead = plans.preview(servers, settings, found, notify)
    with _reading(settings, notify) as connection:
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
    with _reading(settings, notify) as connection:
        found, live = _seen(connection, settings)
        for remark in found.remarks:
            notify(f"{found.name}: {remark}")
        findings = list(ledger.check(connection, found))
    # The connection is closed: what it has read holds no lock while the shadow is made.
    return findings + drift.check(servers, settings, found, live, notify)


def differences(
    servers: Servers, settings: Settings, versions: Sequence[str], notify: Notify
) -> list[Finding]:
    """Compare a database with what migrations make, whatever its ledger says; nothing is written.

    Args:
        servers: where a shadow is made.
        settings: of the database.
        versions: the migrations, the first one first.
        notify: is told when a server lets us wait.

    Raises:
        ServerError: when the database cannot be reached or read.
        MigrationError: when the shadow cannot be made.
    """
    with _reading(settings, notify) as connection:
        _, live = _seen(connection, settings, takes_over=True)
    return drift.at(servers, settings, versions, live, notify)


@contextmanager
def _reading(settings: Settings, notify: Notify) -> Iterator[Connection]:
    """Give a connection that only reads, for a `with` block."""
    # It reads what everybody may read: who runs migrations may be somebody else.
    reader = settings._replace(role="")
    try:
        with database.connection(reader, notify) as connection:
            with connection.cursor() as cursor:
                patience = f"SET LOCAL lock_timeout = {unlocked.PATIENCE_MS}"
                cursor.execute(f"SET TRANSACTION READ ONLY; {patience}")
                _assume(cursor, settings)
            yield connection
    except psycopg2.Error as error:
        headline, _, detail = disclosure.of_error(error).partition("\n")
        raise ServerError(
            f"{settings.environment.name}: {headline}", detail=detail, state="nothing was changed"
        ) from error


def _status(connection: Connection, settings: Settings, *, takes_over: bool = False) -> Status:
    files = history.survey(settings.environment)[0]
    return status.read(connection, settings, files, takes_over=takes_over)


def _seen(
    connection: Connection, settings: Settings, *, takes_over: bool = False
) -> tuple[Status, Live]:
    """Read files and ledger, and the catalog before and after that.

    What a run commits in between is in the later look alone, and is left out.
    """
    before = unlocked.take(connection)
    found = _status(connection, settings, takes_over=takes_over)
    return found, look(connection, found.ledger, before)


def _assume(cursor: Cursor, settings: Settings) -> None:
    """Take MIGRATION_ROLE, if the login needs it to read the ledger."""
    cursor.execute(_MAY_READ, (str(settings.ledger.setting),))
    if settings.role and cursor.fetchone() == (False,):
        cursor.execute(SQL("SET LOCAL ROLE {}").format(Identifier(settings.role)))


def look(connection: Connection, of: Ledger, before: Look) -> Live:
    """Read the catalog, and whose migrations' objects are: the ledger's owner, or most others'.

    Args:
        connection: in a transaction.
        of: the database's ledger, which need not be there.
        before: an earlier look.
    """
    kept = qualified(*baseline.kept(of.table))
    known = (of.name, of.version_name, event_table.name(of), kept)
    names = [one.as_string(connection) for one in known]
    with connection.cursor() as cursor:
        cursor.execute(_OURS, (names,))
        ours = cursor.fetchall()
        cursor.execute(_SEES_ALL)
        sees_all = cursor.fetchone() == (True,)
        cursor.execute(_MOST)
        most = cursor.fetchone() or ("", "")
    catalog = unlocked.settled(before, unlocked.take(connection))
    tables = tuple(row[0] for row in ours)
    # Whose an earlier tool's ledger is says nothing.
    _, schema, *owner = ours[0] if ours and of.exists else ("", "", *most)
    return Live(catalog, Owner(*owner), tables, schema, sees_all)
