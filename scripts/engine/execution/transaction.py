"""Runs a section in its transaction: timeouts, savepoint, statements, retries after locks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from psycopg2.sql import Composable

from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.statement import run_statement
from scripts.engine.objects import existing, identity
from scripts.engine.session import database, notices, session_settings
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.step import Step
from scripts.errors import MigrationError
from scripts.sqltext import session_state, transaction_block
from scripts.sqltext.statements import Statement

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_ACTIVE_TRANSACTION, _TERMINATION, _NEW_VALUE = "25001", "2D000", "55P04"
_OPAQUE = ("DO", "CALL", "EXECUTE", "SELECT", "WITH", "SET")
"""What these run is refused outside a transaction as well, or has no effect there."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """Runs sections in the open transaction of a connection."""

    connection: RunConnection
    blockers: Blockers | None
    watch_client: bool
    """Whether the server can look for its client: see `timeouts.supports_watching`."""

    def run(self, step: Step) -> Composable:
        """Run a section's statements, all of them or none.

        Returns:
            Which objects that UP's rollback drops existed before, as the ledger stores them.

        Raises:
            StatementError: when the server refuses one.
            Interrupted: when a signal came.
        """
        connection, statements = self.connection, step.section.statements
        execute, place = partial(database.execute, connection.raw), step.place
        repeatable = retry.possible(statements)
        retries = connection.settings.limits.lock_retries if repeatable else 0
        existed = self._open(step, repeatable=repeatable)
        survivors = " ".join(session_state.survivors(statements, owns_session=connection.is_own))
        back = partial(execute, f"ROLLBACK TO SAVEPOINT {retry.SAVEPOINT}; {survivors}")
        try:
            for attempt in retry.attempts(retries, back, connection.notify):
                with attempt:
                    for ran, statement in enumerate(statements):
                        with notices.reported(connection.raw, statement, place, connection.notify):
                            run_statement(execute, statement, place, ran, self.blockers, _hint)
        except MigrationError:
            if repeatable and survivors and not connection.raw.closed:
                back()
            raise
        resets = session_state.resets(statements, owns_session=connection.is_own)
        if resets:
            execute(" ".join(resets))
            connection.neutralize()
            connection.begin()
        return existed

    def _open(self, step: Step, *, repeatable: bool) -> Composable:
        """Set the timeouts and the savepoint, and look up which objects exist before."""
        limits = self.connection.settings.limits
        opening = timeouts.local(step.header, limits, watch_client=self.watch_client)
        back = session_settings.local(self.connection.raw.server_version)
        opening += "".join(f" SET LOCAL {name} = {value};" for name, value in back.items())
        if not repeatable:
            self.connection.execute(opening)
            # A query before SET TRANSACTION would fail; through a pooler no blocker is found.
            self._look_at(self.connection.raw.info.backend_pid, step)
            return existing.NOBODY_LOOKED
        named = step.looked_up
        identities = identity.identities(named).as_string(self.connection.raw)
        row = self.connection.execute(
            f"{opening} SAVEPOINT {retry.SAVEPOINT}; SELECT pg_backend_pid(), {identities};"
        )
        self._look_at(row[0] if row else 0, step)
        return existing.survivors(named, row[1] if row else [None] * len(named))

    def _look_at(self, pid: int, step: Step) -> None:
        if self.blockers:
            own = step.header.lock_timeout_ms
            default = self.connection.settings.limits.lock_timeout_ms
            self.blockers.begin(pid, default if own is None else own)


def _hint(sqlstate: str, statement: Statement) -> str:
    """Say what to do about what a transaction refuses, and the text does not show."""
    move_it = transaction_block.MOVE_IT
    if sqlstate == _NEW_VALUE:
        return "add the enum value in a migration of its own, ahead of the one that uses it"
    if sqlstate == _TERMINATION and statement.command in ("CALL", "DO"):
        return f"a procedure that commits cannot run in a transaction: {move_it}"
    is_plain = sqlstate == _ACTIVE_TRANSACTION and statement.command not in _OPAQUE
    return move_it if is_plain else ""
