"""Looks, while a statement runs, how far it is and which sessions block it."""

from __future__ import annotations

import time
from typing import Protocol

from scripts.engine import disclosure
from scripts.engine.reported import Running, Waiting
from scripts.engine.session import blocking, progress
from scripts.engine.session.blocking import Sample
from scripts.engine.session.lock import Lock
from scripts.sqltext.statements import Statement

_FIRST_LOOK, _LOOK_EVERY, _SAY_EVERY = 0.1, 1.0, 10.0
"""Seconds: after a statement was sent, between two looks, between two lines that say the same."""


class Told(Protocol):
    """Is told what is seen."""

    def sent(self, statement: Statement, ran: int) -> None:
        """A statement begins, after this many others of its section."""

    def running(self, running: Running) -> None:
        """It is still running."""

    def waiting(self, waiting: Waiting) -> None:
        """It waits."""

    def notice(self, text: str) -> None:
        """Nothing can be seen."""


class Blockers:
    """Looks while a statement runs how far it is, and for sessions that block it."""

    def __init__(self, lock: Lock, told: Told) -> None:
        """Ask on the lock's connection; say what is seen."""
        self.pid = 0
        """The backend to look at, as the server calls it; 0 looks at none."""
        self.waited_ms = 0
        """How long statements were seen to wait since `begin`, in all their attempts."""
        self.last: Sample | None = None
        """What the last look at the statement that runs saw."""
        self._lock = lock
        self._told = told
        self._looked = self._said = self._began = 0.0
        self._lock_timeout_ms = 0
        self._shown: tuple[int, ...] = ()
        self._first = _FIRST_LOOK

    def begin(self, pid: int, lock_timeout_ms: int) -> None:
        """Look at a backend from now on.

        Args:
            pid: its number, from `pg_backend_pid()`: a pooler gives clients another one.
            lock_timeout_ms: a short one asks for an earlier look; 0 for none.
        """
        self.pid, self.waited_ms, self._lock_timeout_ms = pid, 0, lock_timeout_ms
        half = lock_timeout_ms / 2000 if lock_timeout_ms else _FIRST_LOOK
        self._first = min(_FIRST_LOOK, half)

    def bounded_by(self, lock_timeout_ms: int) -> None:
        """Know the lock_timeout of the next statement, where each has its own."""
        self._lock_timeout_ms = lock_timeout_ms

    def statement(self, statement: Statement, ran: int) -> None:
        """Forget what was seen: another statement begins, after this many of its section."""
        self._told.sent(statement, ran)
        self.forget()

    def forget(self) -> None:
        """Forget what was seen."""
        self.last, self._looked, self._said, self._shown = None, 0.0, 0.0, ()
        self._began = time.monotonic()

    def timed_out(self) -> None:
        """Count the rest of a wait that has ended the statement.

        Where the last look saw nobody, it was a whole lock_timeout since then, or no wait at all:
        NOWAIT gives the same SQLSTATE.
        """
        rest_ms = (time.monotonic() - self._began - self._looked) * 1000
        if self.last:
            self.waited_ms += round(rest_ms)
        elif 0 < self._lock_timeout_ms <= rest_ms:
            self.waited_ms += self._lock_timeout_ms

    def sample(self, running: float) -> None:
        """Look, if it is time: called now and then with the seconds since the statement began."""
        due = self._looked + _LOOK_EVERY if self._looked else self._first
        if not self.pid or running < due:
            return
        try:
            self._take(running)
        except Exception as error:  # noqa: BLE001 - what is raised here would end the run's connection
            self.pid = 0
            self._told.notice(f"cannot find out who is blocking: {disclosure.of_library(error)}")

    def _take(self, running: float) -> None:
        rows = self._lock.query(blocking.QUERY, {"pid": self.pid})
        self.last = blocking.sample_of(rows)
        if self.last:
            self.waited_ms += round((running - self._looked) * 1000)
            self._tell(self.last, running)
        seen = progress.look(self._lock, self.pid, running)
        self._told.running(seen._replace(waits=self.last is not None))
        self._looked = running

    def _tell(self, seen: Sample, running: float) -> None:
        pids = tuple(blocker.pid for blocker in seen.blockers)
        if pids == self._shown and running - self._said < _SAY_EVERY:
            return
        self._shown, self._said = pids, running
        who = "; ".join(str(blocker) for blocker in seen.blockers)
        text = f"waiting for {seen.wants} ({running:.1f} s), blocked by {who}"
        self._told.waiting(
            Waiting(seen.wants, running, tuple(one.fields for one in seen.blockers), text)
        )

    def described(self) -> str:
        """Return what was last seen, for an error: a line for each blocker; "" for none."""
        if not self.last:
            return ""
        lines = [f"blocked by {blocker}" for blocker in self.last.blockers]
        return "\n".join([f"it waited for {self.last.wants}", *lines])
