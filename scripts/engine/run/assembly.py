"""Puts together what a run against a database consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from alembic import context

from scripts.engine.execution import timeouts
from scripts.engine.execution.autocommit import Outside
from scripts.engine.execution.direct_session import Direct
from scripts.engine.execution.event_log import EventLog
from scripts.engine.execution.executor import OnlinePerformer
from scripts.engine.execution.guard import Guard
from scripts.engine.execution.recorder import OnlineRecorder
from scripts.engine.ledger import lookup, origin
from scripts.engine.ledger.events import Event
from scripts.engine.observer import Observer
from scripts.engine.run.plan import Guards, Plan
from scripts.engine.run.steps import Run
from scripts.engine.safeguards import protection
from scripts.engine.session import database
from scripts.engine.session.blockers import Blockers
from scripts.engine.session.lock import Lock
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Switches


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """A run, and the parts of it that others speak to."""

    run: Run
    prepare: Callable[[list[Event]], None]
    """Makes the event log ready before the first step, which it is told of."""
    recorder: OnlineRecorder
    log: EventLog
    blockers: Blockers | None

    def look(self, running: float) -> None:
        """Look who is in the way of a statement that has been running for so many seconds."""
        if self.blockers:
            self.blockers.look(running)


def assemble(  # noqa: PLR0913 - each is a part of its own
    opened: RunConnection,
    found: Status,
    held: Lock | None,
    observer: Observer,
    switches: Switches,
    *,
    moves_version: bool,
) -> Assembled:
    """Put a run together.

    Args:
        opened: its connection.
        found: what the database and the files are.
        held: the lock; None where there is nothing to do, or no second connection to hold it.
        observer: who watches.
        switches: the choices of this run.
        moves_version: whether Alembic's version is moved with the ledger.
    """
    raw, settings = opened.raw, opened.settings
    execute = opened.execute
    blockers = Blockers(held, opened.say) if held else None
    watch_client = timeouts.supports_watching(found.server.version, found.server.platform)
    who = origin.here(found.name, opened.project.root) if held else origin.UNKNOWN
    log = EventLog(found.ledger, who, raw, database.opening(raw, settings), opened.say)
    recorder = OnlineRecorder(
        name=found.name,
        ledger=found.ledger,
        execute=execute,
        compose=lambda statement: statement.as_string(raw),
        log=log,
        is_seen_apart=lambda table: held is not None and held.sees(table),
    )
    direct = Direct(
        settings=settings,
        connection=raw,
        open=opened.direct if opened.has_direct else None,
        lock=held,
        blockers=blockers,
        say=opened.say,
    )
    guard = Guard(name=found.name)
    if held:
        guard = replace(guard, check=held.check, reread=lambda: opened.reread(found.ledger))
    outside = Outside(
        settings=settings,
        direct=direct,
        execute=execute,
        watch_client=watch_client,
        blockers=blockers,
        log=log,
        say=opened.say,
        thorough=not opened.given,
        guard=guard,
    )
    performer = OnlinePerformer(
        name=found.name,
        connection=raw,
        execute=execute,
        limits=settings.limits,
        watch_client=watch_client,
        observer=observer,
        blockers=blockers,
        outside=outside,
        thorough=not opened.given,
        say=opened.say,
        begin=lambda: database.begin(raw, settings),
    )

    def prepare(first: list[Event]) -> None:
        waited = held.waited_ms if held else 0
        with opened.bounded():
            log.prepare(execute, *(replace(one, lock_wait_ms=waited) for one in first))

    def stored(version: str) -> str | None:
        # Alembic's own transaction has been ended by then: the role has to be taken on anew.
        with opened.bounded():
            return lookup.rollback_sql(raw, found.ledger, version)

    run = Run(
        state=found,
        directory=context.script,
        observer=observer,
        performer=performer,
        recorder=recorder,
        plan=Plan(
            found,
            None if switches.use_file else stored,
            joined=opened.sqlalchemy.in_transaction(),
            guards=_guards(opened, found, switches),
        ),
        guard=guard,
        moves_version=moves_version,
    )
    run.plan.confirmed, run.plan.in_order = switches.confirmed, True
    return Assembled(run=run, prepare=prepare, recorder=recorder, log=log, blockers=blockers)


def _guards(opened: RunConnection, found: Status, switches: Switches) -> Guards:
    """Make what rollbacks go through; what people were shown is not said again."""
    shown = switches.confirmed is not None

    def check(steps: list[Step]) -> frozenset[str]:
        with opened.bounded():
            notify = (lambda _: None) if shown else opened.say
            return protection.check(opened.raw, found, steps, switches, notify)

    def announce(steps: list[Step]) -> None:
        with opened.bounded():
            protection.announce(opened.raw, steps, opened.say)

    return Guards(check=check) if shown else Guards(check=check, announce=announce)
