"""Runs a file with `-- Transaction: none`: each statement by itself, on one session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Identifier

from scripts.engine.ledger.events import Kind
from scripts.engine.run import event_log, execution, indexes, retry, timeouts
from scripts.engine.run.event_log import EventLog
from scripts.engine.run.execution import Execute
from scripts.engine.run.work import Work
from scripts.engine.session import signals, waiting
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.database import Say
from scripts.engine.settings import Settings
from scripts.errors import LockError, StatementError, UsageError
from scripts.files import concurrent_index, session_state
from scripts.files.concurrent_index import ConcurrentIndex
from scripts.files.statements import Statement


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Runs statements outside a transaction."""

    name: str
    settings: Settings
    connection: Connection
    """The run's: it is in autocommit when `run` is called."""
    execute: Execute
    """Sends SQL on that."""
    open_direct: Callable[[], Connection] | None
    """Opens a connection past the pooler, where a URL for one is set."""
    watch_client: bool
    blockers: Blockers | None
    log: EventLog
    say: Say

    def run(self, todo: Work) -> None:
        """Run a section's statements one by one; each takes effect at once.

        A statement that meets a lock or a deadlock is tried again by itself. Before an index is
        built, an invalid one of its name is dropped.

        Raises:
            StatementError: when the server refuses a statement.
            UsageError: when the session can't be made what the statements need, before any of them.
            LockError: when another session does not stop building an index.
            Interrupted: when a signal came.
        """
        with self._session() as (connection, pooled):
            self._report_others(connection, todo)
            statements = todo.section.statements
            values: dict[str, int] = {}
            try:
                self._begin(connection, pooled=pooled)
                for ran, statement in enumerate(statements):
                    self._note(todo, statement, ran)
                    values = self._timeouts(connection, todo, statement, values, pooled=pooled)
                    self._one(connection, todo, statement, ran)
            finally:
                if not connection.closed:
                    self._end(connection, statements, values, pooled=pooled)

    @contextmanager
    def _session(self) -> Iterator[tuple[Connection, bool]]:
        """Give the connection for the statements, and whether a pooler stands before the server."""
        direct = self.open_direct() if self.open_direct else None
        connection = direct or self.connection
        try:
            with waiting.watched(direct, self._look) if direct else nullcontext():
                if direct:
                    direct.autocommit = True
                pids = {_pid(connection), _pid(connection)}
                pooled = pids != {connection.info.backend_pid}
                if pooled:
                    self._warn(direct=direct is not None)
                if self.blockers:
                    self.blockers.begin(0 if pooled else pids.pop(), 0)
                yield connection, pooled
        finally:
            if direct:
                direct.close()

    def _look(self, running: float) -> None:
        if self.blockers:
            self.blockers.look(running)

    def _warn(self, *, direct: bool) -> None:
        """A pooler gives out numbers of its own, and may send each statement to another backend."""
        setting = self.settings.environment.url_setting(direct=True)
        mend = f"{setting} leads to one as well" if direct else f"set {setting} to go past it"
        if self.settings.role:
            raise UsageError(
                f"{self.name}: a pooler is in the way of MIGRATION_ROLE: outside a transaction the "
                "role would stay with a session that others get next",
                state="no statement of the file was run",
                way_out=mend,
            )
        self.say(
            "a pooler is between here and the server: statements outside a transaction may land on "
            f"different backends, and no timeouts are set for them; {mend}"
        )

    def _report_others(self, connection: Connection, todo: Work) -> None:
        wanted = [index for one in todo.section.statements if (index := concurrent_index.of(one))]
        found = indexes.others(connection, wanted)
        if found:
            self.say(f"left alone, but invalid: {', '.join(found)} (DROP INDEX or REINDEX them)")

    def _begin(self, connection: Connection, *, pooled: bool) -> None:
        if pooled:
            return
        settings = timeouts.watching(watch_client=self.watch_client)
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute(f"SET SESSION {name} = {value}")
            if self.settings.role:
                cursor.execute(SQL("SET SESSION ROLE {}").format(Identifier(self.settings.role)))

    def _note(self, todo: Work, statement: Statement, ran: int) -> None:
        reached = replace(
            event_log.beginning(todo),
            event=Kind.STATEMENT,
            statement=ran + 1,
            line=statement.line,
        )
        self.log.append(self.execute, reached)

    def _timeouts(
        self,
        connection: Connection,
        todo: Work,
        statement: Statement,
        current: dict[str, int],
        *,
        pooled: bool,
    ) -> dict[str, int]:
        """Set what differs from the statement before; return what holds now."""
        if pooled:
            return {}
        wanted = timeouts.session(todo.header, self.settings.limits, statement)
        with connection.cursor() as cursor:
            for name, value in wanted.items():
                if current.get(name) != value:
                    cursor.execute(f"SET SESSION {name} = {value}")
        return wanted

    def _one(self, connection: Connection, todo: Work, statement: Statement, ran: int) -> None:
        execute = self.execute if connection is self.connection else execution.sender(connection)
        index = concurrent_index.of(statement)

        def attempt() -> None:
            if index:
                self._mend(connection, index, todo, statement, ran)
            execution.one(execute, statement, todo.place, ran, self.blockers)

        # A statement that failed has taken itself back, but for the index, which `_mend` looks at.
        retry.run(attempt, lambda: None, self.settings.limits.lock_retries, self.say)

    def _mend(
        self,
        connection: Connection,
        index: ConcurrentIndex,
        todo: Work,
        statement: Statement,
        ran: int,
    ) -> None:
        if self.blockers:
            self.blockers.statement()
        try:
            indexes.mend(connection, index, self.settings.lock_wait_ms, self.say)
        except psycopg2.Error as error:
            signals.check()
            raise StatementError(
                f"the invalid index {index.name}, which a failed build has left, can't be dropped",
                place=todo.place,
                line=statement.line,
                detail=execution.explained(error, self.blockers),
                ran=ran,
                sqlstate=error.pgcode or "",
            ) from error
        except LockError as error:
            error.what = f"{self.name}: {error.what}"
            raise

    def _end(
        self,
        connection: Connection,
        statements: tuple[Statement, ...],
        values: dict[str, int],
        *,
        pooled: bool,
    ) -> None:
        """Leave the session as it was."""
        settings = [] if pooled else [*values, *timeouts.watching(watch_client=self.watch_client)]
        role = ["RESET ROLE"] if self.settings.role and not pooled else []
        resets = [*session_state.resets(statements), *(f"RESET {name}" for name in settings), *role]
        try:
            with connection.cursor() as cursor:
                for reset in resets:
                    cursor.execute(reset)
        except psycopg2.Error as error:
            self.say(f"the session could not be left as it was: {execution.explained(error)}")


def _pid(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int((cursor.fetchone() or (0,))[0])
