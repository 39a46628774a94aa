"""Runs of plain INSERTs in one file: many to a message, for a message each is what they cost."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2.sql import SQL, Identifier, Literal

from scripts.engine.session import signals
from scripts.engine.session.run_connection import RunConnection
from scripts.sqltext import plain_insert
from scripts.sqltext.identifiers import Reader
from scripts.sqltext.statements import Statement

_MOST, _LONGEST = 20, plain_insert.LONGEST
"""Statements of a batch, and characters: beyond 20 little is gained."""
_FEWEST = 3
"""Statements that are worth the savepoint."""
_SAVEPOINT = "upskill_batch"
# A foreign key's triggers are internal. Where rows set something off, each statement goes alone.
_SETS_OFF = SQL(
    "SELECT c.relkind NOT IN ('r', 'p') OR c.relhasrules OR EXISTS"
    " (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)"
    " FROM pg_catalog.pg_class c WHERE c.oid = to_regclass({})"
)


def _table(statement: Statement) -> tuple[str, ...] | None:
    """Return the table of a plain INSERT, in the parts of its name; None for any other."""
    if statement.command != "INSERT" or not statement.ended:
        return None
    found = plain_insert.pattern().fullmatch(statement.text, statement.body)
    return _name(found["table"]) if found else None


@functools.lru_cache(maxsize=64)
def _name(written: str) -> tuple[str, ...] | None:
    return Reader(written).name()


def grouped(statements: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """Yield the statements in their order: runs of plain INSERTs into one table, others alone."""
    if sum(statement.command == "INSERT" for statement in statements) < _FEWEST:
        yield from ((statement,) for statement in statements)
        return
    batch: list[Statement] = []
    into, length = None, 0
    for statement in statements:
        is_short = len(statement.text) < _LONGEST
        table = _table(statement) if is_short else None
        length += len(statement.text)
        if batch and (table != into or len(batch) == _MOST or length > _LONGEST):
            yield from _taken(batch)
            batch, length = [], len(statement.text)
        into = table
        if table is None:
            yield (statement,)
        else:
            batch.append(statement)
    yield from _taken(batch)


def _taken(batch: list[Statement]) -> Iterator[tuple[Statement, ...]]:
    if len(batch) >= _FEWEST:
        yield tuple(batch)
    else:
        yield from ((statement,) for statement in batch)


class Batches:
    """Sends batches in a connection's open transaction."""

    def __init__(self, connection: RunConnection) -> None:
        """Send on a connection."""
        self._connection = connection
        self._alone: dict[tuple[str, ...], bool] = {}
        """Whether each statement for a table has to go alone."""
        self._is_open = False
        """Whether the savepoint is there."""

    def forget(self) -> None:
        """Forget all, as another statement may have changed it: a trigger, the search path."""
        self._alone.clear()
        self._is_open = False

    def run(self, batch: Sequence[Statement]) -> bool:
        """Run a batch; tell whether that was done.

        Where it failed, the error of a batch has no place in the file: the transaction is back at
        the batch's beginning, and the statements are to be run one by one.

        Raises:
            psycopg2.Error: when the connection is lost, or a signal has it cancelled.
        """
        table = _table(batch[0])
        if table is None or self._goes_alone(table):
            return False
        # In a message of its own: an error in one message undoes no more than to its savepoint.
        release = f"RELEASE SAVEPOINT {_SAVEPOINT}; " if self._is_open else ""
        self._connection.execute(f"{release}SAVEPOINT {_SAVEPOINT};")
        self._is_open = True
        try:
            self._connection.execute("".join(statement.text for statement in batch))
        except psycopg2.Error as error:
            if error.pgcode is None or signals.received():
                raise
            self._connection.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};")
            return False
        return True

    def _goes_alone(self, table: tuple[str, ...]) -> bool:
        if table not in self._alone:
            raw = self._connection.raw
            name = Literal(Identifier(*table[-2:]).as_string(raw))
            row = self._connection.execute(_SETS_OFF.format(name).as_string(raw))
            self._alone[table] = row is None or bool(row[0])
        return self._alone[table]
