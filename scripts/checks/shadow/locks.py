"""Which tables a statement locks, rewrites and scans that were there: seen, not guessed."""

from __future__ import annotations

from typing import NamedTuple

import psycopg2

from scripts.checks.shadow import outside
from scripts.checks.shadow.shared import SCHEMA
from scripts.checks.touch import BLOCKS, Touch
from scripts.engine import disclosure
from scripts.engine.session import lock_modes
from scripts.engine.session.run_connection import RunConnection
from scripts.sqltext.statements import Statement

# Tables and materialized views of whoever migrates: indexes and TOAST go with them.
_TABLES = (
    "SELECT json_agg(json_build_array(c.oid::bigint, format('%I.%I', n.nspname, c.relname),"  # noqa: S608 - ours
    " c.relfilenode::bigint, pg_stat_get_xact_numscans(c.oid)))"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'"
    f" AND n.nspname <> '{SCHEMA}'"
)
_HELD = (
    "SELECT json_agg(json_build_array(l.relation::bigint, l.modes, c.relfilenode::bigint,"
    " pg_stat_get_xact_numscans(l.relation)))"
    " FROM (SELECT relation, array_agg(mode) AS modes FROM pg_locks"
    " WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted GROUP BY 1) l"
    " LEFT JOIN pg_class c ON c.oid = l.relation"
)
_VALIDATING = ("ALTER", "DO")
"""Where a scan is not what the statement says, but what it costs."""
_PARTITION = ("CREATE", "TABLE")
"""A new partition has the default one scanned."""
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_ACTIVE_TRANSACTION = "25001"
_FILLED_ANEW = ("TRUNCATE", "REFRESH")


class Seen(NamedTuple):
    """What a statement has done to a table; of which file, the caller knows."""

    statement: Statement
    table: str
    mode: str
    rewrites: bool
    scans: bool
    oid: int
    """The table's."""

    def of(self, path: str) -> Touch:
        """Return it as what people see of a file."""
        shown = disclosure.of_statement(self.statement.sql)
        return Touch(path, self.statement.line, shown, *self[1:-1])


class _Table(NamedTuple):
    name: str
    file: int
    scans: int
    mode: str = ""
    """Of the strongest lock that the transaction has on it, of those that keep others waiting."""


def names(connection: RunConnection) -> dict[int, str]:
    """Return the tables that there are, by oid."""
    with connection.transaction():
        row = connection.execute(_TABLES)
    return {oid: name for oid, name, *_ in (row and row[0]) or ()}


class LockWatch:
    """Looks after each statement of a transaction at the locks that it holds."""

    def __init__(self, connection: RunConnection) -> None:
        """Watch the transactions of a connection, once told to."""
        self._connection = connection
        self._is_on = False
        self._were: frozenset[int] | None = None
        """The tables that were there ahead of the file; None before it has begun."""
        self._tables: dict[int, _Table] = {}
        self.found: list[Seen] = []

    def turn(self, *, on: bool) -> None:
        """Begin anew: watch the file that comes next, or do not."""
        self._is_on, self._were, self._tables, self.found = on, None, {}, []

    def begin(self) -> None:
        """Look what is there, which is what the transaction may touch.

        In the transaction, as the server forgets the scans that it has counted between two:
        https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
        """
        if not self._is_on:
            return
        row = self._connection.execute(_TABLES)
        now = {oid: _Table(*known) for oid, *known in (row and row[0]) or ()}
        if self._were is None:
            self._were = frozenset(now)
        self._tables = {oid: table for oid, table in now.items() if oid in self._were}

    def after(self, statement: Statement) -> None:
        """Look what a statement has locked, rewritten or scanned."""
        if not self._tables:
            return
        row = self._connection.execute(_HELD)
        for oid, modes, file, scans in (row and row[0]) or ():
            if oid in self._tables:
                was = self._tables[oid]
                # A table that was dropped has no file any more; its lock stays until the end.
                now = _Table(was.name, file or was.file, scans, _strongest([was.mode, *modes]))
                self._tables[oid] = now
                self._compare(statement, oid, was, now)
        self.found.sort(key=_place)

    def outside(self, statement: Statement) -> None:
        """Try a statement in a transaction that is undone, ahead of its own turn outside one.

        What no transaction block may have locks what the manual says.
        """
        if not (self._is_on and outside.can_be_tried(statement)):
            return
        execute = self._connection.execute
        is_refused = False
        execute("BEGIN")
        try:
            self.begin()
            execute(statement.text)
            self.after(statement)
        except psycopg2.Error as error:
            # If anything else is wrong with it, its own turn will show it.
            is_refused = error.pgcode == _ACTIVE_TRANSACTION
        if not self._connection.raw.closed:
            execute("ROLLBACK")
        if is_refused:
            self._look_up(statement)

    def _look_up(self, statement: Statement) -> None:
        self.found += [
            Seen(statement, self._tables[oid].name, one.mode, one.rewrites, scans=False, oid=oid)
            for one in outside.of(statement)
            for oid in outside.tables(self._connection.raw, one)
            if oid in self._tables
        ]
        self.found.sort(key=_place)

    def _compare(self, statement: Statement, oid: int, was: _Table, now: _Table) -> None:
        rewrites = now.file != was.file and statement.command not in _FILLED_ANEW
        validates = statement.command in _VALIDATING or statement.words[:2] == _PARTITION
        scans = now.scans > was.scans and validates and not rewrites
        if now.mode and (now.mode != was.mode or rewrites or scans):
            self.found.append(Seen(statement, now.name, now.mode, rewrites, scans, oid))


def _place(seen: Seen) -> tuple[int, str]:
    return seen.statement.line, seen.table


def _strongest(modes: list[str]) -> str:
    strongest = lock_modes.strongest(modes)
    return strongest if strongest in BLOCKS else ""
