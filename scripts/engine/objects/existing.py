"""What was there before a migration of the objects that its DOWN drops: kept with its ledger row.

`CREATE TABLE IF NOT EXISTS` takes somebody else's table for its own, and the DOWN would drop it.
So each object that a DOWN drops is looked up before UP and after it: what is the same then was not
made by this migration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.sql import SQL, Composable, Literal

from scripts.engine.objects import identity
from scripts.engine.objects.identity import Named

NOBODY_LOOKED = SQL("NULL::jsonb")
NOTHING = SQL("'[]'::jsonb")
_SETTING = "upskill.existing"
"""Where a script keeps what was there before, until the ledger is written."""


@dataclass(frozen=True, slots=True)
class Existing:
    """One object that was there before a migration, and still is."""

    kind: str
    name: str
    identity: str

    @property
    def shown(self) -> str:
        """Return the object for people: "table users"."""
        return f"{self.kind} {self.name}"

    @property
    def holds_data(self) -> bool:
        """Tell whether dropping it loses what can't be made again."""
        return self.kind in identity.KEPT


def survivors(wanted: Sequence[Named], before: Sequence[str | None]) -> Composable:
    """Return SQL that gives what the ledger keeps, as jsonb, once UP has run.

    Args:
        wanted: what the DOWN drops.
        before: the identities ahead of UP, in that order; None where there was no such object.
    """
    found = [(one, known) for one, known in zip(wanted, before, strict=True) if known is not None]
    if not found:
        return NOTHING
    return _same([one for one, _ in found], Literal([known for _, known in found]))


def keeping(wanted: Sequence[Named], *, local: bool) -> Composable:
    """Return a statement for a script that keeps the identities ahead of UP.

    Args:
        wanted: what the DOWN drops.
        local: whether for the transaction only, or for the session.
    """
    return SQL("SELECT pg_catalog.set_config({}, ({})::text, {})").format(
        Literal(_SETTING), identity.identities(wanted), SQL(str(local).lower())
    )


def kept(wanted: Sequence[Named]) -> Composable:
    """Return SQL for a script that gives what the ledger keeps: see `survivors`, `keeping`."""
    if not wanted:
        return NOTHING
    # Whoever edits the script, or a file with RESET ALL, may have lost it: then nobody looked.
    before = SQL("nullif(pg_catalog.current_setting({}, true), '')").format(Literal(_SETTING))
    return SQL("CASE WHEN {} IS NOT NULL THEN {} END").format(before, _same(wanted, before))


def _same(wanted: Sequence[Named], before: Composable) -> Composable:
    objects = [json.dumps({"kind": one.object.kind, "name": _name(one)}) for one in wanted]
    return SQL(
        "(SELECT coalesce(jsonb_agg(o.object || jsonb_build_object('identity', o.after)), '[]')"
        " FROM unnest({}::text[], {}, ARRAY[{}]::jsonb[]) o(before, after, object)"
        " WHERE o.before = o.after)"
    ).format(before, identity.identities(wanted), SQL(", ").join(Literal(text) for text in objects))


def _name(one: Named) -> str:
    return one.shown.removeprefix(f"{one.object.kind} ")


def parse(stored: Any) -> tuple[Existing, ...]:
    """Read what a ledger row keeps; nothing where nobody looked."""
    return tuple(Existing(one["kind"], one["name"], one["identity"]) for one in stored or ())
