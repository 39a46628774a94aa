"""One statement that builds indexes concurrently, over all its attempts: what they leave behind."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine import disclosure
from scripts.engine.execution import invalid_index
from scripts.engine.execution.invalid_index import InvalidIndex
from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.sqltext import duration
from scripts.sqltext.concurrent_index import ConcurrentBuild, Creation

_PAUSE = 0.2
_SAY_EVERY = 30.0
"""Seconds."""


class StillBuiltError(Exception):
    """Another session has been building the index for too long."""


@dataclass(kw_only=True)
class IndexBuild:
    """A statement and what was there before it."""

    connection: Connection
    """In autocommit."""
    build: ConcurrentBuild
    wait_ms: int
    """How long to wait for another session, in milliseconds; 0 waits without limit."""
    notify: Notify
    bounded: bool
    """Whether a DROP waits for a second only, and not for the session's own lock_timeout."""
    pooled: bool
    """Whether a pooler is in the way, so that nothing would end the wait of a DROP."""
    _tables: frozenset[int] = field(init=False)
    _before: frozenset[tuple[int, str]] = field(init=False)
    """The invalid indexes by oid and name: REINDEX takes an old one's name away from it."""

    def __post_init__(self) -> None:
        """Look what is there; the session's search_path is what it will be for the statement."""
        self._tables = invalid_index.tables(self.connection, self.build)
        self._before = frozenset(one.identity for one in invalid_index.find(self.connection))

    def prepare(self) -> None:
        """Drop what an attempt would stumble over, or double.

        An invalid index of the name that is about to be built may still be built by a session, as
        that of a run which was killed: it is waited for, for it may become valid.

        Raises:
            StillBuiltError: when the other session does not end in that time.
            psycopg2.Error: when an index cannot be dropped.
        """
        begin, said = time.monotonic(), None
        while (found := self._of_that_name()) and not self._dropped(found):
            pid = invalid_index.builder(self.connection, found)
            who = f"pid {pid}" if pid else "another session"
            waited = time.monotonic() - begin
            if self.wait_ms and waited * 1000 >= self.wait_ms:
                longer = f"for longer than {duration.text(self.wait_ms)}"
                raise StillBuiltError(f"{who} has held the table of {found} {longer}")
            if said is None or waited - said >= _SAY_EVERY:
                said = waited
                self.notify(f"waiting for {who}, which may be building the index {found}")
            signals.pause(_PAUSE)
        for leftover in self.leftovers():
            # Those of TOAST tables are a superuser's to drop; `clean_up` names them.
            with suppress(psycopg2.errors.InsufficientPrivilege):
                self._dropped(leftover)

    def problem(self) -> str:
        """Return why the index is unusable after the statement; "" if nothing is wrong with it."""
        if not (isinstance(self.build, Creation) and self.build.name):
            return ""
        return invalid_index.problem(self.connection, self.build)

    def leftovers(self) -> list[InvalidIndex]:
        """Return the invalid indexes that the attempts have left, as far as the catalog tells.

        They were not invalid before, are on the statement's tables, and are what it builds: of its
        name, where it gives one, and with its columns. While the statement runs, no other session
        builds on the table: a build holds its SHARE UPDATE EXCLUSIVE lock. Between two attempts one
        could, and leave an index with a name of PostgreSQL's choice on the same columns.
        """
        return [
            one
            for one in invalid_index.find(self.connection)
            if one.identity not in self._before
            and one.table in self._tables
            and self._is_alike(one)
        ]

    def clean_up(self) -> list[InvalidIndex]:
        """Drop what the attempts have left, or name it where that is not possible now.

        Returns:
            What is still there, and has been named.
        """
        try:
            left = self.leftovers()
            reasons = [(leftover, self._why_kept(leftover)) for leftover in left]
        except psycopg2.Error as error:
            self.notify(f"cannot look for invalid indexes: {disclosure.headline(error)}")
            return []
        for leftover, reason in reasons:
            if reason:
                self.notify(
                    f"this run left the invalid index {leftover} ({reason}); "
                    "drop it with DROP INDEX CONCURRENTLY"
                )
        return [leftover for leftover, reason in reasons if reason]

    def _why_kept(self, leftover: InvalidIndex) -> str:
        """Drop an index; return why that is not possible, "" if it is."""
        if signals.received():
            return "the run was interrupted"
        if self.pooled:
            return "through a pooler, nothing bounds the wait of a DROP"
        try:
            return "" if self._dropped(leftover) else "its table is in use"
        except psycopg2.Error as error:
            if error.pgcode is None:
                raise
            return disclosure.headline(error)

    def _is_alike(self, index: InvalidIndex) -> bool:
        if not isinstance(self.build, Creation):
            return index.is_copy
        named = index.name == self.build.name if self.build.name else index.has_chosen_name
        return named and index.shape == self.build.shape

    def _of_that_name(self) -> InvalidIndex | None:
        if not (isinstance(self.build, Creation) and self.build.name):
            return None
        there = invalid_index.find(self.connection)
        named = [one for one in there if one.name == self.build.name and one.table in self._tables]
        return next(iter(named), None)

    def _dropped(self, index: InvalidIndex) -> bool:
        """Drop an index; tell whether it is gone, or has become valid by now.

        Who may be building it is looked up first, and then whether it is still invalid: one whose
        builder ended in between is valid.
        """
        if invalid_index.builder(self.connection, index):
            return False
        if all(one.identity != index.identity for one in invalid_index.find(self.connection)):
            return True
        dropped = invalid_index.drop(self.connection, index, bounded=self.bounded)
        if dropped:
            self.notify(f"dropped the invalid index {index}, which a failed build had left")
        return dropped


def report_others(connection: Connection, named: Collection[int], notify: Notify) -> None:
    """Name the invalid indexes that are there in the end: a person's, or those of a killed run.

    Args:
        connection: in autocommit; one that is closed is not asked.
        named: the oids of those that people have been told of.
        notify: is told of the others.
    """
    if connection.closed or signals.received():
        return
    try:
        others = [one for one in invalid_index.find(connection) if one.oid not in named]
        shown = [_with_builder(one, invalid_index.builder(connection, one)) for one in others]
    except psycopg2.Error as error:
        notify(f"cannot look for invalid indexes: {disclosure.headline(error)}")
        return
    if shown:
        notify(f"these other indexes are invalid: {', '.join(shown)} (DROP or REINDEX them)")


def _with_builder(index: InvalidIndex, pid: int | None) -> str:
    return f"{index}, which pid {pid} may be building" if pid else str(index)
