"""Runs one section with all that makes it safe: lock, timeouts, another try, signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import Composable, Literal

from scripts.engine.execution import retry, timeouts
from scripts.engine.execution.autocommit import Outside
from scripts.engine.execution.statement import Execute, run_statement
from scripts.engine.objects import existing, identity
from scripts.engine.observer import Observer
from scripts.engine.session import notices
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.database import Notify
from scripts.engine.settings import Limits
from scripts.engine.step import Step
from scripts.errors import MigrationError
from scripts.sqltext import session_state

Autocommit = Callable[[], AbstractContextManager[None]]
"""Alembic's way out of the transaction that it has begun for the step."""


@dataclass(frozen=True, slots=True)
class Performed:
    """How long a section took."""

    duration: Composable
    """Milliseconds, as SQL: a script does not know them before it runs."""
    duration_ms: int
    lock_wait_ms: int
    existed: Composable
    """What was there before UP, as the ledger keeps it: see `objects.existing`."""


class Performer(Protocol):
    """Runs a section's statements, online or into a script."""

    def perform(self, todo: Step, autocommit: Autocommit) -> Performed:
        """Run a section.

        Raises:
            StatementError: when the server refuses a statement.
            Interrupted: when a signal came.
        """


@dataclass(frozen=True, kw_only=True)
class OnlinePerformer:
    """Runs sections on a connection."""

    name: str
    connection: Connection
    execute: Execute
    limits: Limits
    watch_client: bool
    observer: Observer
    blockers: Blockers | None
    outside: Outside
    thorough: bool
    """Whether the session is ours alone: see `session_state.resets`."""
    say: Notify
    begin: Callable[[], None]
    """Bounds waits and takes on MIGRATION_ROLE, should a file have given them up."""

    def perform(self, todo: Step, autocommit: Autocommit) -> Performed:
        """Run a section; see `Performer.perform`."""
        self.observer.started(self.name, todo.filename, todo.direction)
        begin = time.monotonic()
        if todo.header.transactional:
            existed = self._inside(todo)
        else:
            with autocommit():
                existed = self.outside.run(todo)
            self.begin()
        milliseconds = round((time.monotonic() - begin) * 1000)
        waited = self.blockers.waited_ms if self.blockers else 0
        return Performed(Literal(milliseconds), milliseconds, waited, existed)

    def _inside(self, todo: Step) -> Composable:
        statements = todo.section.statements
        named = todo.looked_up
        existed: Composable = existing.NOBODY_LOOKED
        opening = timeouts.local(todo.header, self.limits, watch_client=self.watch_client)
        if retry.possible(statements):
            identities = identity.identities(named).as_string(self.connection)
            row = self.execute(
                f"{opening} SAVEPOINT {retry.SAVEPOINT}; SELECT pg_backend_pid(), {identities};"
            )
            self._look_at(row[0] if row else 0, todo)
            existed = existing.survivors(named, row[1] if row else [None] * len(named))
            self._behind_a_savepoint(todo)
        else:
            self.execute(opening)
            # A query ahead of SET TRANSACTION would be an error; behind a pooler nobody is found.
            self._look_at(self.connection.info.backend_pid, todo)
            self._attempt(todo)
        resets = session_state.resets(statements, thorough=self.thorough)
        if resets:
            self.execute(" ".join(resets))
            self.begin()
        return existed

    def _behind_a_savepoint(self, todo: Step) -> None:
        found = session_state.survivors(todo.section.statements, thorough=self.thorough)
        survivors = " ".join(found)

        def back() -> None:
            self.execute(f"ROLLBACK TO SAVEPOINT {retry.SAVEPOINT}; {survivors}")

        try:
            retry.run(lambda: self._attempt(todo), back, self.limits.lock_retries, self.say)
        except MigrationError:
            if survivors and not self.connection.closed:
                back()
            raise

    def _attempt(self, todo: Step) -> None:
        for ran, statement in enumerate(todo.section.statements):
            with notices.reported(self.connection, statement, todo.place, self.say):
                run_statement(self.execute, statement, todo.place, ran, self.blockers)

    def _look_at(self, pid: int, todo: Step) -> None:
        if self.blockers:
            own = todo.header.lock_timeout_ms
            self.blockers.begin(pid, self.limits.lock_timeout_ms if own is None else own)
