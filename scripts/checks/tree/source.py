"""A migration file for the checks: read, split, and parsed with PostgreSQL's own grammar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import postgast
from postgast.pg_query_pb2 import Node

from scripts.checks.finding import Finding
from scripts.engine.reported import Direction
from scripts.errors import FormatError
from scripts.files import migration_file
from scripts.files.history import Entry
from scripts.files.migration_file import MigrationFile, Section
from scripts.files.project import shown_file
from scripts.sqltext.statements import Statement


class Parsed(NamedTuple):
    """A statement with its tree."""

    statement: Statement
    tree: Node | None
    """None when the statement has a syntax error."""
    error: postgast.PgQueryError | None
    kind: str = ""
    """The name of the tree's node, such as alter_table_stmt; "" without a tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A migration file of an environment."""

    environment: str
    entry: Entry
    path: str
    """The file as people name it."""
    file: MigrationFile | None
    """None when it breaks the format."""
    problem: FormatError | None
    up: tuple[Parsed, ...] = ()
    down: tuple[Parsed, ...] = ()

    @property
    def sections(self) -> tuple[tuple[Direction, tuple[Parsed, ...]], ...]:
        """Return both sections."""
        return (Direction.UP, self.up), (Direction.DOWN, self.down)

    @property
    def commented_down(self) -> bool:
        """Tell whether DOWN is commented out as a whole, so that each line is read as SQL."""
        return self.file is not None and self.file.down.commented

    @property
    def statements(self) -> Iterator[Parsed]:
        """Return all statements of both sections."""
        yield from self.up
        yield from self.down

    def column(self, line: int, text: str, index: int) -> int:
        """Return the column in the file of a place in a section's line.

        A DOWN that is commented out has `-- ` before each line.

        Args:
            line: the line in the file.
            text: the section's line, or its part from some place on.
            index: the place in `text`.
        """
        lines = self.entry.path.read_text(encoding="utf-8-sig").splitlines()
        return max(lines[line - 1].find(text.rstrip()), 0) + index + 1

    def finding(  # noqa: PLR0913 - each is a part of what people read
        self,
        code: str,
        message: str,
        *,
        line: int = 0,
        column: int = 0,
        detail: str = "",
        hint: str = "",
    ) -> Finding:
        """Return a finding in this file."""
        return Finding(
            code=code,
            message=message,
            path=self.path,
            line=line,
            column=column,
            database=self.environment,
            detail=detail,
            hint=hint,
        )


def read(environment: str, entry: Entry) -> Source:
    """Read and parse a migration file; its problem is returned, not raised.

    Raises:
        OSError: when it cannot be read.
    """
    path = shown_file(entry.folder, entry.filename)
    try:
        file = migration_file.read(entry.path)
    except FormatError as error:
        return Source(environment=environment, entry=entry, path=path, file=None, problem=error)
    return Source(
        environment=environment,
        entry=entry,
        path=path,
        file=file,
        problem=None,
        up=_parsed(file.up),
        down=_parsed(file.down),
    )


def _parsed(section: Section) -> tuple[Parsed, ...]:
    return tuple(_parse(statement) for statement in section.statements)


def _parse(statement: Statement) -> Parsed:
    try:
        found = postgast.parse(statement.text)
    except postgast.PgQueryError as error:
        return Parsed(statement, None, error)
    if not found.stmts:
        return Parsed(statement, None, None)
    tree = found.stmts[0].stmt
    return Parsed(statement, tree, None, str(tree.WhichOneof("node") or ""))
