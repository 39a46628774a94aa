"""Composes the statement that writes a step; what all steps have in common is composed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import encodings
from psycopg2.sql import SQL, Composable, Placeholder

from scripts.engine.execution.executor import Note
from scripts.engine.ledger import alembic_version
from scripts.engine.ledger.alembic_version import BASE
from scripts.engine.ledger.changes import Change, Insertion, Replacement
from scripts.engine.ledger.table import Ledger
from scripts.engine.session import quoting
from scripts.engine.settings import TableName

_NUMBER = "SELECT txid_current()"
_CHECKED = "SELECT txid_current() / (SELECT count(*) FROM noted) / (SELECT count(*) FROM moved)"


class NoteTexts:
    """Composes for one ledger and one connection, which does the quoting."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        """Compose for a ledger, with the quoting of a connection."""
        self._connection = connection
        self._ledger = ledger
        self._templates: dict[str, str] = {}

    def text(self, note: Note, events: str | None) -> str:
        """Return the statement: all of it takes effect, or nothing.

        It gives the transaction's number, which fits `txid_status`:
        https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT. It
        divides by zero where the ledger's row or Alembic's version is not what it should be: a
        COMMIT may follow in the same message, and only an error keeps that from being run.

        Args:
            note: what is to be written.
            events: the statement that writes the event log, if anything does.
        """
        told = f", told AS ({events})" if events else ""
        changed = f"WITH noted AS ({self._change(note.change)} RETURNING 1){told}"
        if note.before == note.after:
            return f"{changed} {_NUMBER}"
        return f"{changed}, moved AS ({self._move(note.before, note.after)}) {_CHECKED}"

    def _change(self, change: Change) -> str:
        if isinstance(change, Replacement) and change.existed is not None:
            return change.statement(self._ledger).as_string(self._connection)
        if isinstance(change, Replacement):
            return self._filled(
                "replacement", lambda at: change.statement(at, _place), change.values
            )
        if not isinstance(change, Insertion):
            name = f"deletion {change.rollback_checksum is not None}"
            return self._filled(name, lambda at: change.statement(at, _place), change.values)
        if not isinstance(change.existed, SQL):
            # What was found is written out, and is another statement each time.
            return change.statement(self._ledger).as_string(self._connection)
        name = f"insertion {change.existed.string}"
        return self._filled(name, lambda at: change.statement(at, _place), change.values)

    def _move(self, before: str, after: str) -> str:
        name = f"move {before == BASE} {after == BASE}"
        values = {"before": before, "after": after}
        return self._filled(
            name, lambda at: alembic_version.moving(at.version_name, before, after), values
        )

    def _filled(
        self, name: str, compose: Callable[[Ledger], Composable], values: Mapping[str, Any]
    ) -> str:
        """Return a statement with its values, composed when it is needed for the first time.

        Args:
            name: what it is known by: the same name for the same statement.
            compose: makes it, with placeholders, for the ledger that it is given.
            values: by placeholder.
        """
        connection = self._connection
        if name not in self._templates:
            self._templates[name] = compose(_doubled(self._ledger)).as_string(connection)
        with connection.cursor() as cursor:
            given = {key: quoting.safe(value) for key, value in values.items()}
            filled = cursor.mogrify(self._templates[name], given)
        return filled.decode(encodings[connection.encoding])


def _place(name: str, _: object) -> Composable:
    return Placeholder(name)


def _doubled(ledger: Ledger) -> Ledger:
    """Return a ledger with each `%` of its name doubled: for the driver it begins a placeholder."""
    schema, name = ledger.table.schema, ledger.table.name
    table = TableName(schema.replace("%", "%%") if schema else None, name.replace("%", "%%"))
    return ledger._replace(table=table)
