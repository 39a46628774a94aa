"""Runs a section in its transaction: timeouts, a savepoint, its statements, again for a lock."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.sql import Composable

from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.statement import run_statement
from scripts.engine.objects import existing, identity
from scripts.engine.session import notices
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.step import Step
from scripts.errors import MigrationError
from scripts.sqltext import session_state


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
            What was there before of the objects that UP's undoing drops, as the ledger keeps it.

        Raises:
            StatementError: when the server refuses one.
            Interrupted: when a signal came.
        """
        statements = step.section.statements
        limits = self.connection.settings.limits
        opening = timeouts.local(step.header, limits, watch_client=self.watch_client)
        existed: Composable = existing.NOBODY_LOOKED
        if retry.possible(statements):
            named = step.looked_up
            identities = identity.identities(named).as_string(self.connection.raw)
            row = self.connection.execute(
                f"{opening} SAVEPOINT {retry.SAVEPOINT}; SELECT pg_backend_pid(), {identities};"
            )
            self._look_at(row[0] if row else 0, step)
            existed = existing.survivors(named, row[1] if row else [None] * len(named))
            self._behind_savepoint(step)
        else:
            self.connection.execute(opening)
            # A query ahead of SET TRANSACTION would be an error; behind a pooler nobody is found.
            self._look_at(self.connection.raw.info.backend_pid, step)
            self._attempt(step)
        resets = session_state.resets(statements, thorough=self.connection.is_own)
        if resets:
            self.connection.execute(" ".join(resets))
            self.connection.begin()
        return existed

    def _behind_savepoint(self, step: Step) -> None:
        own = self.connection.is_own
        survivors = " ".join(session_state.survivors(step.section.statements, thorough=own))

        def back() -> None:
            self.connection.execute(f"ROLLBACK TO SAVEPOINT {retry.SAVEPOINT}; {survivors}")

        retries, notify = self.connection.settings.limits.lock_retries, self.connection.notify
        try:
            retry.run(lambda: self._attempt(step), back, retries, notify)
        except MigrationError:
            if survivors and not self.connection.raw.closed:
                back()
            raise

    def _attempt(self, step: Step) -> None:
        connection, execute = self.connection, self.connection.execute
        for ran, statement in enumerate(step.section.statements):
            with notices.reported(connection.raw, statement, step.place, connection.notify):
                run_statement(execute, statement, step.place, ran, self.blockers)

    def _look_at(self, pid: int, step: Step) -> None:
        if self.blockers:
            own = step.header.lock_timeout_ms
            default = self.connection.settings.limits.lock_timeout_ms
            self.blockers.begin(pid, default if own is None else own)
