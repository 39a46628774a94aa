"""Objects that a DOWN drops and that existed before its migration: stored in its ledger row.

`CREATE TABLE IF NOT EXISTS` accepts somebody else's table, and the DOWN would drop it.
So each object that a DOWN drops is looked up before UP and after it: what is the same then was not
made by this migration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg2.sql import SQL, Composable, Identifier, Literal

from scripts.engine.objects import identity
from scripts.engine.objects.identity import Named

NOBODY_LOOKED = SQL("NULL::jsonb")
NOTHING = SQL("'[]'::jsonb")
_VARIABLE = "upskill_existing"
"""The psql variable in which a script keeps what existed before, until it writes the ledger."""


class Existing(NamedTuple):
    """One object that existed before a migration, and still exists."""

    kind: str
    name: str
    identity: str

    @property
    def shown(self) -> str:
        """Return the object for people: "table users"."""
        return f"{self.kind} {self.name}"

    @staticmethod
    def split(shown: str) -> tuple[str, str]:
        """Return kind and name of an object as people see it: see `Named.shown`."""
        kind = next(kind for kind in identity.KINDS if shown.startswith(f"{kind} "))
        return kind, shown.removeprefix(f"{kind} ")

    @property
    def holds_data(self) -> bool:
        """Tell whether dropping it loses data."""
        return self.kind in identity.KEPT


def survivors(wanted: Sequence[Named], before: Sequence[str | None]) -> Composable:
    """Return SQL that gives what the ledger keeps, as jsonb, once UP has run.

    Args:
        wanted: what the DOWN drops.
        before: the identities ahead of UP, in that order; None where there was no such object.
    """
    found = [
        (one, Literal(known))
        for one, known in zip(wanted, before, strict=True)
        if known is not None
    ]
    return _remaining(found) if found else NOTHING


def keeping(wanted: Sequence[Named]) -> Composable:
    """Return a query for a script of psql that keeps the identities ahead of UP in a variable.

    A setting of the session would be lost to RESET ALL and DISCARD ALL.

    Args:
        wanted: what the DOWN drops.
    """
    return SQL("SELECT ({})::text AS {}").format(identity.identities(wanted), Identifier(_VARIABLE))


def kept(wanted: Sequence[Named]) -> Composable:
    """Return SQL for a script that gives what the ledger keeps: see `survivors`, `keeping`."""
    if not wanted:
        return NOTHING
    before = SQL(f"(:'{_VARIABLE}'::text[])[{{}}]")
    return _remaining(
        [(one, before.format(Literal(number))) for number, one in enumerate(wanted, start=1)]
    )


def _remaining(found: Sequence[tuple[Named, Composable]]) -> Composable:
    parts = [
        SQL("SELECT {}::jsonb || jsonb_build_object('identity', {}) AS object WHERE {}").format(
            Literal(json.dumps({"kind": one.object.kind, "name": _name(one)})),
            known,
            identity.remains(one, known),
        )
        for one, known in found
    ]
    return SQL("(SELECT coalesce(jsonb_agg(object), '[]') FROM ({}) kept)").format(
        SQL(" UNION ALL ").join(parts)
    )


def _name(one: Named) -> str:
    return one.shown.removeprefix(f"{one.object.kind} ")


def parse(stored: Any) -> tuple[Existing, ...]:
    """Read what a ledger row stores; nothing if it was not checked."""
    return tuple(Existing(one["kind"], one["name"], one["identity"]) for one in stored or ())
