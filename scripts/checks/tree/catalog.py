"""What the files of an environment have created so far, and which file created it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum


class Space(Enum):
    """Where a name must be unique: tables, views and sequences share one space."""

    RELATION = "relation"
    TYPE = "type"
    COLUMN = "column"


@dataclass(frozen=True, slots=True)
class Thing:
    """A relation, a type or a column, by its full name."""

    space: Space
    schema: str
    name: str
    column: str = ""
    """Of the relation `name`."""

    @property
    def owner(self) -> Thing:
        """Return the table of a column."""
        return Thing(Space.RELATION, self.schema, self.name)

    def called(self, name: str, *, schema: str | None = None) -> Thing:
        """Return the thing under another name, or in another schema."""
        return replace(self, name=name, schema=self.schema if schema is None else schema)

    def column_of(self, name: str) -> Thing:
        """Return a column of this table."""
        return Thing(Space.COLUMN, self.schema, self.name, name)


@dataclass(frozen=True, slots=True)
class Made:
    """Which version created a thing, and as what kind."""

    version: str
    kind: str


class Catalog:
    """The database as the text of the files describes it, without anything uncertain."""

    def __init__(self) -> None:
        """Start with an empty database."""
        self._made: dict[Thing, Made] = {}
        self._needs: dict[Thing, set[Thing]] = {}

    def get(self, thing: Thing) -> Made | None:
        """Return which version created a thing; None when none is known to."""
        return self._made.get(thing)

    def add(self, thing: Thing, made: Made, needs: Iterable[Thing] = ()) -> None:
        """Add a thing, which is dropped with anything that it needs."""
        self._made[thing] = made
        self._needs[thing] = set(needs)

    def bind(self, thing: Thing, to: Thing) -> None:
        """Let a thing be dropped with another: a partition, a sequence of a column."""
        self._needs.setdefault(thing, set()).add(to)

    def release(self, thing: Thing, of: Thing) -> None:
        """Undo `bind`."""
        self._needs.get(thing, set()).discard(of)

    def drop(self, thing: Thing) -> None:
        """Remove a thing, with its columns and everything that needs it.

        Without CASCADE the server would refuse a DROP of what is needed, so CASCADE is assumed.
        """
        going = [thing]
        while going:
            gone = going.pop()
            self._made.pop(gone, None)
            self._needs.pop(gone, None)
            going += [other for other, needs in self._needs.items() if gone in needs]
            going += [other for other in self._made if other.column and other.owner == gone]

    def drop_column(self, column: Thing, *, cascade: bool) -> None:
        """Remove a column; with CASCADE the views and sequences of its table may go with it."""
        self._made.pop(column, None)
        for other in [one for one, needs in self._needs.items() if column.owner in needs]:
            made = self.get(other)
            if made is not None and (made.kind == "sequence" or (cascade and "view" in made.kind)):
                self.drop(other)

    def drop_where(self, condition: Callable[[Thing, Made], bool]) -> None:
        """Remove everything that meets a condition."""
        for thing, made in list(self._made.items()):
            if condition(thing, made):
                self.drop(thing)

    def drop_schema(self, schema: str) -> None:
        """Remove a schema with everything in it."""
        self.drop_where(lambda thing, _: thing.schema == schema)

    def move(self, old: Thing, new: Thing) -> None:
        """Give a thing, and its columns, another name."""
        self._rename(
            lambda one: (
                replace(one, schema=new.schema, name=new.name, column=new.column or one.column)
                if one == old or (one.column and one.owner == old)
                else one
            )
        )

    def move_schema(self, old: str, new: str) -> None:
        """Give a schema another name."""
        self._rename(lambda one: replace(one, schema=new) if one.schema == old else one)

    def _rename(self, to: Callable[[Thing], Thing]) -> None:
        self._made = {to(thing): made for thing, made in self._made.items()}
        self._needs = {
            to(thing): {to(need) for need in needs} for thing, needs in self._needs.items()
        }
