"""Runs a file with `-- Transaction: none`: each statement by itself, on one session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier

from scripts.engine import disclosure
from scripts.engine.execution import event_log, index_build, retry, timeouts
from scripts.engine.execution.direct_session import DirectSession, Session
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.index_build import IndexBuild
from scripts.engine.execution.statement import LOCK_TIMEOUT, run_statement
from scripts.engine.execution.transaction import StatementWatch
from scripts.engine.ledger.events import Kind
from scripts.engine.objects import existing, identity
from scripts.engine.session import database, notices, signals
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.settings import Settings
from scripts.engine.step import Step
from scripts.errors import Interrupted, StatementError
from scripts.sqltext import concurrent_index, session_state
from scripts.sqltext.statements import Statement


@dataclass(frozen=True, kw_only=True)
class Autocommit:
    """Runs statements outside a transaction."""

    connection: RunConnection
    guard: Guard
    blockers: Blockers | None
    log: EventLog
    watch_client: bool
    watch: StatementWatch | None = None

    def run(self, step: Step) -> Composable:
        """Run a section's statements one by one; each takes effect at once.

        Another run begins the file again when this one has lost its lock: so that is checked before
        each statement and each attempt, and before the ledger is told.

        A statement that meets a lock or a deadlock is retried by itself. Before an index is
        built, an invalid one of its name is dropped; after it, the index has to be there.

        Returns:
            What existed before the first run of the file, as the ledger stores it.

        Raises:
            StatementError: when the server refuses a statement, or the session is lost.
            UsageError: when the session cannot be set up as the statements need it.
            ServerError: when the direct connection cannot be opened.
            Interrupted: when a signal came.
            LockError: when the lock is lost; it knows how many statements have been run.
        """
        statements = step.section.statements
        with DirectSession(self.connection, self.guard.lock, self.blockers).opened() as session:
            section = _Section(self, session, step)
            try:
                for ran, statement in enumerate(statements):
                    with section.explained(statement, ran):
                        section.prepare(statement, ran)
                    section.one(statement, ran)
            finally:
                index_build.report_others(session.connection, section.named, self.connection.notify)
                section.leave()
        if self.connection.raw.closed:
            lost = "the connection that writes the ledger was lost"
            raise section.failed(lost, statements[-1], len(statements))
        self.guard.check_within(len(statements))
        return section.existed()


@dataclass
class _Section:
    """The statements of one section, on their session."""

    owner: Autocommit
    session: Session
    step: Step
    _values: dict[str, int] = field(default_factory=dict)
    """The timeouts that the session has now."""
    _before: dict[str, str | None] = field(default_factory=dict)
    """The identities of what the DOWN drops, before the first run of the file."""
    named: set[int] = field(default_factory=set)
    """The oids of invalid indexes that people have been told of."""

    @property
    def settings(self) -> Settings:
        """Return the run's settings."""
        return self.owner.connection.settings

    def prepare(self, statement: Statement, ran: int) -> None:
        """Make the session ready for a statement, and note that it was reached."""
        if not ran:
            self._begin()
            self._look_up()
        reached = event_log.beginning(self.step)._replace(
            event=Kind.STATEMENT,
            statement=ran + 1,
            line=statement.line,
            rollback_sql=None,
            existing=json.dumps(self._before) if self._before and not ran else None,
        )
        self.owner.log.append(self.owner.connection.execute, reached)
        if self.session.pooled:
            return
        wanted = timeouts.session(self.step.header, self.settings.limits, statement)
        self._send(f"SET SESSION {k} = {v}" for k, v in wanted.items() if self._values.get(k) != v)
        self._values |= wanted
        if self.owner.blockers:
            self.owner.blockers.bounded_by(wanted["lock_timeout"])

    def _begin(self) -> None:
        if self.session.pooled:
            return
        values = timeouts.watching(watch_client=self.owner.watch_client)
        self._send(f"SET SESSION {name} = {value}" for name, value in values.items())
        self._values |= values
        if role := self.settings.role:
            with self.session.connection.cursor() as cursor:
                cursor.execute(SQL("SET SESSION ROLE {}").format(Identifier(role)))

    def _look_up(self) -> None:
        """Look up what exists before; what an earlier run of the file created does not count."""
        named, earlier = self.step.looked_up, self.step.existing_before
        connection = self.owner.connection
        query = SQL("SELECT {}").format(identity.identities(named))
        row = connection.execute(query.as_string(connection.raw))
        now = row[0] if row else [None] * len(named)
        self._before = {one.shown: known for one, known in zip(named, now, strict=True)}
        if earlier is not None:
            # A name that is new in an edited DOWN: nobody knows who created the object.
            self._before = {shown: earlier.get(shown, now) for shown, now in self._before.items()}

    def existed(self) -> Composable:
        """Return what existed before, as the ledger stores it."""
        named = self.step.looked_up
        return existing.survivors(named, [self._before.get(one.shown) for one in named])

    def one(self, statement: Statement, ran: int) -> None:
        """Run one statement, again and again while it meets a lock."""
        retries = self.settings.limits.lock_retries
        if self.owner.watch:
            self.owner.watch.outside(statement)
        with self.explained(statement, ran):
            build = self._index_build(statement)
        try:
            # A failed statement has undone itself, except for indexes: see `IndexBuild`.
            for attempt in retry.attempts(retries, lambda: None, self.owner.connection.notify):
                with attempt:
                    self._attempt(statement, ran, build)
        except Interrupted as interrupted:
            place = f"{self.step.place}:{statement.line}"
            raise interrupted.at(place, ran) from interrupted.__cause__
        finally:
            if build and not self.session.connection.closed:
                self.named.update(one.oid for one in build.clean_up())

    def _index_build(self, statement: Statement) -> IndexBuild | None:
        build = concurrent_index.of(statement)
        if build is None:
            return None
        return IndexBuild(
            connection=self.session.connection,
            build=build,
            wait_ms=self.settings.lock_wait_ms,
            notify=self.owner.connection.notify,
            # With a timeout of the header's own a DROP obeys that, as the statement does.
            bounded=not (self.session.pooled or self.step.header.lock_timeout_ms),
            pooled=self.session.pooled,
        )

    def _attempt(self, statement: Statement, ran: int, build: IndexBuild | None) -> None:
        connection, place = self.session.connection, self.step.place
        execute = partial(database.execute, connection)
        self.owner.guard.check_within(ran)
        if build:
            self._prepare_build(build, statement, ran)
        with notices.reported(connection, [statement], place, self.owner.connection.notify):
            run_statement(execute, statement, place, ran, self.owner.blockers)
        if build and (problem := build.problem()):
            raise self.failed("the index was not built", statement, ran, problem)

    def _prepare_build(self, build: IndexBuild, statement: Statement, ran: int) -> None:
        if self.owner.blockers:
            self.owner.blockers.forget()
        with self.explained(statement, ran, "cannot drop an invalid index"):
            try:
                build.prepare()
            except index_build.StillBuiltError as error:
                what = "another session may still be building the index"
                raise self.failed(what, statement, ran, str(error)) from error

    @contextmanager
    def explained(
        self, statement: Statement, ran: int, what: str = "cannot prepare the session"
    ) -> Iterator[None]:
        """Explain a failure outside a statement: mostly a lost connection."""
        try:
            yield
        except psycopg2.Error as error:
            if signals.received():
                place = f"{self.step.place}:{statement.line}"
                said = disclosure.of_error(error)
                raise Interrupted(signals.received(), where=place, detail=said, ran=ran) from error
            if self.owner.blockers and error.pgcode == LOCK_TIMEOUT:
                self.owner.blockers.timed_out()
            seen = self.owner.blockers.described() if self.owner.blockers else ""
            raise self.failed(
                what, statement, ran, disclosure.of_error(error, seen), error.pgcode or ""
            ) from error

    def failed(
        self, what: str, statement: Statement, ran: int, detail: str = "", sqlstate: str = ""
    ) -> StatementError:
        """Return the error of a statement that was not run."""
        text = f"{detail}\nstatement: {disclosure.of_statement(statement.sql)}".lstrip()
        place, line = self.step.place, statement.line
        return StatementError(what, place=place, line=line, detail=text, ran=ran, sqlstate=sqlstate)

    def leave(self) -> None:
        """Leave the session as it was."""
        connection = self.session.connection
        if connection.closed:
            return
        statements = self.step.section.statements
        resets = session_state.resets(statements, owns_session=self.owner.connection.is_own)
        resets += [f"RESET {name}" for name in self._values]
        resets += ["RESET ROLE"] if self.settings.role and not self.session.pooled else []
        try:
            self._send(resets)
            if resets and connection is self.owner.connection.raw:
                self.owner.connection.neutralize()
        except psycopg2.Error as error:
            self.owner.connection.notify(f"cannot reset the session: {disclosure.of_error(error)}")

    def _send(self, statements: Iterable[str]) -> None:
        with self.session.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
