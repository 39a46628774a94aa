"""Makes a live catalog and its shadow comparable: owners, and what no migration is asked about."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scripts.catalog.record import Record, Value
from scripts.catalog.snapshot import Snapshot

_PROVIDERS = re.compile(r"(rds_|aws_|rdsadmin|cloudsql|azure_)")
"""The beginnings of what a provider's own roles are called, in an entry of privileges."""
# As their documentation has them. Each keeps its history in a table of its own.
_OTHER_TOOLS = (
    "*.flyway_schema_history",
    "*.databasechangelog",
    "*.databasechangeloglock",
    "*._prisma_migrations",
    "*.__drizzle_migrations",
    "drizzle",
    "drizzle.*",
    "*.knex_migrations",
    "*.knex_migrations_lock",
    "*.kysely_migration",
    "*.kysely_migration_lock",
    "*.pgmigrations",
    "*.goose_db_version",
    "*.goose_db_version_id_seq",
    "atlas_schema_revisions",
    "atlas_schema_revisions.*",
    "sqitch",
    "sqitch.*",
    "graphile_migrate",
    "graphile_migrate.*",
)
_LEFT_OUT = {
    # What CREATE DATABASE has decided, before any migration.
    "database": (
        "encoding",
        "collate",
        "ctype",
        "locale_provider",
        "locale",
        "locale_rules",
        "tablespace",
        "owner",
        "connection_limit",
        "is_template",
    ),
    # What the server brings, and who may install it there.
    "extension": ("version", "owner"),
    # Whether it is filled is data.
    "materialized view": ("populated",),
}
"""Attributes that no migration is asked about, by class."""
_DATA = ("large object",)
_RELATIONS = ("table", "view", "materialized view", "foreign table", "sequence")
"""What has parts, which are ignored with it."""


class Rules:
    """What of a catalog is compared."""

    def __init__(self, ours: Iterable[str], ignored: Sequence[str]) -> None:
        """Decide by names.

        Args:
            ours: the full names of ledger, event log and Alembic's table.
            ignored: patterns as `fnmatch` has them, for full names; `index public.*` is for one
                class of objects.
        """
        self._ours = frozenset(ours)
        self._ignored = (*ignored, *_OTHER_TOOLS)

    def counts(self, record: Record) -> bool:
        """Tell whether an object is compared: it, or what it is a part of, may be ignored."""
        if record.kind in _DATA or self._ours & {record.name, record.parent}:
            return False
        return not any(_matches(record, pattern) for pattern in self._ignored)

    def of(self, catalog: Snapshot) -> Snapshot:
        """Return a catalog with what is compared of it."""
        records = {
            key: _plain(record) for key, record in catalog.records.items() if self.counts(record)
        }
        return catalog._replace(records=records)


def _matches(record: Record, pattern: str) -> bool:
    """Tell whether a pattern is for an object, or for the relation that it is a part of."""
    kind, found, name = pattern.rpartition(" ")
    shown = {record.name, record.name.replace('"', "")}
    parent = {record.parent, record.parent.replace('"', "")}
    if found and kind not in _RELATIONS:
        return record.kind == kind and any(fnmatch.fnmatchcase(one, name) for one in shown)
    if found and record.kind != kind:
        shown = parent
    return any(fnmatch.fnmatchcase(one, name) for one in {*shown, *parent} if one)


class Owner(NamedTuple):
    """A role whose objects are compared."""

    name: str
    quoted: str
    """As quote_ident has it."""

    @property
    def in_privileges(self) -> str:
        """Return it as the server writes it in privileges, where capitals need no quotes."""
        plain = re.fullmatch(r"[A-Za-z0-9_]+", self.name)
        return self.name if plain else '"' + self.name.replace('"', '""') + '"'


def owned_by(catalog: Snapshot, owner: Owner, other: Owner) -> Snapshot:
    """Return a catalog in which one role has another's name.

    Args:
        catalog: of the shadow.
        owner: who has run the migrations there.
        other: who has in the live database.
    """
    if owner == other:
        return catalog
    renamed = (_renamed(record, owner, other) for record in catalog.records.values())
    return catalog._replace(records={record.key: record for record in renamed})


def _plain(record: Record) -> Record:
    """Leave out of an object what no migration is asked about."""
    left_out = _LEFT_OUT.get(record.kind, ())
    return record._replace(
        attributes=tuple(
            (name, _without_providers(record, value) if name == "privileges" else value)
            for name, value in record.attributes
            if name not in left_out
        )
    )


def _without_providers(record: Record, value: Value) -> Value:
    if not isinstance(value, tuple):
        return value
    kept = tuple(one for one in value if not _PROVIDERS.match(one.strip('"')))
    owner = record.get("owner")
    if record.kind != "database" or not owner:
        return kept
    of_database = Owner(str(owner), "").in_privileges
    return tuple(sorted(_entry(one, of_database, "owner") for one in kept))


def _renamed(record: Record, owner: Owner, other: Owner) -> Record:
    attributes = tuple(
        (name, _value(name, value, owner, other)) for name, value in record.attributes
    )
    name = record.name
    if record.kind in ("default privileges", "settings", "user mapping"):
        pattern = rf"\b(of|for) {re.escape(owner.quoted)}(?= |$)"
        name = re.sub(pattern, lambda found: f"{found[1]} {other.quoted}", name)
    return record._replace(name=name, attributes=attributes)


def _value(name: str, value: Value, owner: Owner, other: Owner) -> Value:
    if name == "owner":
        return other.name if value == owner.name else value
    if name == "privileges" and isinstance(value, tuple):
        before, after = owner.in_privileges, other.in_privileges
        return tuple(sorted(_entry(one, before, after) for one in value))
    if name == "roles" and isinstance(value, tuple):
        return tuple(sorted(other.name if one == owner.name else one for one in value))
    return value


def _entry(entry: str, owner: str, other: str) -> str:
    """Rename a role in `grantee=letters/grantor`."""
    grantee, _, rest = entry.rpartition("=")
    letters, _, grantor = rest.partition("/")
    both = [other if one == owner else one for one in (grantee, grantor)]
    return f"{both[0]}={letters}/{both[1]}"
