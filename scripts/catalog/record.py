"""One object of a database, as a value."""

from __future__ import annotations

from typing import NamedTuple

Value = str | bool | int | tuple[str, ...]
Key = tuple[str, str]
"""Class and full name."""


class Record(NamedTuple):
    """One object, as a snapshot has it."""

    kind: str
    """Its class in the words of SQL: "table", "column", "event trigger"."""
    name: str
    """Its full name, quoted where SQL needs it: `public.courses.title`."""
    parent: str
    """The relation or domain that it is a part of; "" where it stands for itself."""
    attributes: tuple[tuple[str, Value], ...]
    """All else that is known of it; what is as it would be by default is left out."""

    @property
    def key(self) -> Key:
        """Return what no other object has."""
        return self.kind, self.name

    def get(self, attribute: str) -> Value | None:
        """Return an attribute; None where it is left out."""
        return dict(self.attributes).get(attribute)
