"""Runs a section in its transaction: timeouts, savepoint, statements, retries after locks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import psycopg2
from psycopg2.sql import Composable

from scripts.engine import disclosure
from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.batches import Batches, grouped
from scripts.engine.execution.statement import refused, run_statement
from scripts.engine.objects import existing, identity
from scripts.engine.session import database, notices, session_settings, signals
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.step import Step
from scripts.errors import Interrupted, MigrationError
from scripts.sqltext import session_state, transaction_block
from scripts.sqltext.statements import Statement

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_ACTIVE_TRANSACTION, _TERMINATION, _NEW_VALUE = "25001", "2D000", "55P04"
_OPAQUE = ("DO", "CALL", "EXECUTE", "SELECT", "WITH", "SET")
"""What these run is refused outside a transaction as well, or has no effect there."""


class StatementWatch(Protocol):
    """Looks at what statements do; a proof does."""

    def begin(self) -> None:
        """Is called ahead of the first statement, unless a query there would be refused."""

    def after(self, statement: Statement) -> None:
        """Is called when a statement of a transaction has run."""

    def outside(self, statement: Statement) -> None:
        """Is called ahead of a statement outside a transaction; may begin one, and undo it."""


class Transaction:
    """Runs sections, each in a transaction of a connection."""

    def __init__(
        self,
        connection: RunConnection,
        blockers: Blockers | None,
        watch: StatementWatch | None,
        *,
        watch_client: bool,
    ) -> None:
        """Run on a connection.

        Args:
            connection: the run's.
            blockers: knows who is in the way.
            watch: looks at each statement.
            watch_client: whether the server can look for its client: see
                `timeouts.supports_watching`.
        """
        self._connection = connection
        self._blockers = blockers
        self._watch = watch
        self._watch_client = watch_client
        self.number = 0
        """The number of the transaction that is open, as `txid_status` takes it; 0 if unknown."""
        self._begun: tuple[Step, tuple[Any, ...]] | None = None
        """The step whose transaction was begun with the commit before, and what that gave."""

    def run(self, step: Step) -> Composable:
        """Run a section's statements, all of them or none.

        Returns:
            Which objects that UP's rollback drops existed before, as the ledger stores them.

        Raises:
            StatementError: when the server refuses one.
            Interrupted: when a signal came.
        """
        connection, statements = self._connection, step.section.statements
        execute = partial(database.execute, connection.raw)
        repeatable = retry.possible(statements)
        retries = connection.settings.limits.lock_retries if repeatable else 0
        existed = self._open(step, repeatable=repeatable)
        if self._watch and repeatable:
            self._watch.begin()
        resets = session_state.resets(statements, owns_session=connection.is_own)
        survivors = " ".join(session_state.survivors(resets))
        back = partial(execute, f"ROLLBACK TO SAVEPOINT {retry.SAVEPOINT}; {survivors}")
        try:
            for attempt in retry.attempts(retries, back, connection.notify):
                with attempt:
                    self._send(step)
        except MigrationError:
            if repeatable and survivors and not connection.raw.closed:
                back()
            raise
        if resets:
            execute(" ".join(resets))
            connection.neutralize()
            connection.begin()
        return existed

    def _send(self, step: Step) -> None:
        """Send a section's statements, plain INSERTs many to a message."""
        batches, ran = Batches(self._connection), 0
        for batch in grouped(step.section.statements):
            if len(batch) == 1 or not self._sent(batches, batch, step.place, ran):
                for offset, statement in enumerate(batch):
                    self._run(statement, step.place, ran + offset)
                batches.forget()
            ran += len(batch)

    def _sent(self, batches: Batches, batch: Sequence[Statement], place: str, ran: int) -> bool:
        """Send a batch in one message; tell whether it ran."""
        if self._blockers:
            self._blockers.statement(batch[0], ran)
        if signals.received():
            return False
        try:
            with notices.reported(self._connection.raw, batch, place, self._connection.notify):
                return batches.run(batch)
        except psycopg2.Error as error:
            if error.pgcode is None:
                # As if the first of them had been running: which one it was, nobody knows.
                raise refused(batch[0], error, place, ran, self._blockers) from error
            raise Interrupted(
                signals.received(),
                where=f"{place}:{batch[0].line}",
                detail=disclosure.of_error(error),
                ran=ran,
            ) from error

    def _run(self, statement: Statement, place: str, ran: int) -> None:
        connection = self._connection
        execute = partial(database.execute, connection.raw)
        with notices.reported(connection.raw, [statement], place, connection.notify):
            run_statement(execute, statement, place, ran, self._blockers, _hint)
        if self._watch:
            self._watch.after(statement)

    def opening(self, step: Step) -> str:
        """Return what a step's transaction begins with, after BEGIN; "" if it has to be by itself.

        A query before SET TRANSACTION would make that fail.
        """
        if not (step.header.transactional and retry.possible(step.section.statements)):
            return ""
        connection = self._connection
        begin = database.opening(connection.raw, connection.settings, fresh=True)
        return f"{begin} {self._settings(step)} {self._looking(step)}"

    def begun(self, step: Step, row: tuple[Any, ...] | None) -> None:
        """Register that a step's transaction was begun, and what its opening gave."""
        self._begun = (step, row) if row else None

    def _open(self, step: Step, *, repeatable: bool) -> Composable:
        """Set the timeouts and the savepoint, and look up which objects exist before."""
        begun, self._begun, self.number = self._begun, None, 0
        if begun is not None and begun[0] is step:
            return self._opened(step, begun[1])
        if begun is not None:
            self._connection.rollback()
        self._connection.begin()
        if repeatable:
            row = self._connection.execute(f"{self._settings(step)} {self._looking(step)}")
            return self._opened(step, row or (0, 0, [None] * len(step.looked_up)))
        self._connection.execute(self._settings(step))
        # Through a pooler no blocker is found.
        self._look_at(self._connection.raw.info.backend_pid, step)
        return existing.NOBODY_LOOKED

    def _settings(self, step: Step) -> str:
        limits = self._connection.settings.limits
        opening = timeouts.local(step.header, limits, watch_client=self._watch_client)
        back = session_settings.local(self._connection.raw.server_version)
        return opening + "".join(f" SET LOCAL {name} = {value};" for name, value in back.items())

    def _looking(self, step: Step) -> str:
        identities = identity.identities(step.looked_up).as_string(self._connection.raw)
        return (
            f"SAVEPOINT {retry.SAVEPOINT}; SELECT txid_current(), pg_backend_pid(), {identities};"
        )

    def _opened(self, step: Step, row: tuple[Any, ...]) -> Composable:
        self.number, pid, known = row
        self._look_at(pid, step)
        return existing.survivors(step.looked_up, known)

    def _look_at(self, pid: int, step: Step) -> None:
        if self._blockers:
            own = step.header.lock_timeout_ms
            default = self._connection.settings.limits.lock_timeout_ms
            self._blockers.begin(pid, default if own is None else own)


def _hint(sqlstate: str, statement: Statement) -> str:
    """Say what to do about what a transaction refuses, and the text does not show."""
    move_it = transaction_block.MOVE_IT
    if sqlstate == _NEW_VALUE:
        return "add the enum value in a migration of its own, ahead of the one that uses it"
    if sqlstate == _TERMINATION and statement.command in ("CALL", "DO"):
        return f"a procedure that commits cannot run in a transaction: {move_it}"
    is_plain = sqlstate == _ACTIVE_TRANSACTION and statement.command not in _OPAQUE
    return move_it if is_plain else ""
