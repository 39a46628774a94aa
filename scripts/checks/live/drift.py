"""Drift: what a database has otherwise than its migrations make it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from scripts.catalog import ddl, diff, versions
from scripts.catalog.diff import Difference
from scripts.catalog.record import Record
from scripts.catalog.snapshot import Snapshot
from scripts.catalog.unlocked import Look
from scripts.checks.finding import Finding
from scripts.checks.live import comparable, expected
from scripts.checks.live.comparable import Owner, Rules
from scripts.checks.live.expected import Expected
from scripts.checks.shadow.servers import Servers
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.status import Status

_LEGEND = "`-` is what the migrations make, `+` is what the database has"
_ON_SHADOW = "run python scripts/validate.py --shadow"
_MOST_NAMES = 5
# Values of settings that are nobody's business: `app.jwt_secret=…`, `SET app.token TO …`.
_SECRET = re.compile(
    r"(\b[\w.]*(?:secret|passw|token|key|credential)[\w.]*\s*(?:=|\bTO\b)\s*).*", re.IGNORECASE
)


class Live(NamedTuple):
    """A live database, as it was seen."""

    look: Look
    owner: Owner
    """Whose the ledger is, and with it what the migrations make."""
    tables: tuple[str, ...]
    """The full names of ledger, event log and Alembic's table, those that are there."""
    schema: str
    """Theirs, which a run makes where it is not there."""
    sees_all: bool
    """Whether its login may read the options of user mappings."""


def check(
    servers: Servers, settings: Settings, found: Status, live: Live, notify: Notify
) -> list[Finding]:
    """Compare a live catalog with a shadow that has the same migrations.

    Args:
        servers: where the shadow is made.
        settings: of the environment.
        found: which migrations the database has.
        live: its catalog.
        notify: is told what has come to a server of somebody's own.

    Raises:
        MigrationError: when the shadow cannot be made, or a file is not in the format.
    """
    name = found.name
    if not found.applied:
        what = f"the catalog: no migration is in the ledger {found.ledger.table}"
        return [_not_compared(name, what, "check MIGRATION_TABLE, if some have been applied")]
    if found.ahead:
        count = len(found.ahead)
        what = f"{count} of its migrations {'is' if count == 1 else 'are'} not in this checkout"
        return [_not_compared(name, f"the catalog: {what}", "check out the release that has it")]
    applied = [one.row.version for one in found.applied]
    return at(servers, settings, applied, live, notify)


def at(
    servers: Servers, settings: Settings, applied: Sequence[str], live: Live, notify: Notify
) -> list[Finding]:
    """Compare a live catalog with a shadow that has some migrations.

    Args:
        servers: where the shadow is made.
        settings: of the environment.
        applied: the versions.
        live: the catalog.
        notify: as for `check`.

    Raises:
        MigrationError: as `check`.
    """
    name = settings.environment.name
    made = expected.build(servers, settings, applied, notify, live.look.classes)
    if not isinstance(made, Expected):
        step, failed = made
        what = f"the UP of {step.filename} fails on the shadow: {failed.reason}"
        return [_not_compared(name, f"the catalog: {what}", _ON_SHADOW, "live-not-comparable")]
    return compare(name, made, live, settings.environment.ignore)


def compare(name: str, made: Expected, live: Live, ignored: Sequence[str]) -> list[Finding]:
    """Compare a live catalog with what it should be.

    Args:
        name: the environment's.
        made: what the migrations make.
        live: what the database has.
        ignored: patterns for objects that are not the migrations': see `comparable.Rules`.
    """
    both = _alike(made, live, Rules(live.tables, ignored))
    found = [_finding(name, one) for one in diff.compare(both.before, both.after)]
    # What the marks mean is said once.
    first = [replace(one, hint=_LEGEND) for one in found[:1]]
    return [*_left_out(name, live, both), *first, *found[1:]]


def _alike(made: Expected, live: Live, rules: Rules) -> versions.Alike:
    shadow = comparable.owned_by(rules.of(made.catalog), made.owner, live.owner)
    both = versions.alike(shadow, rules.of(live.look.snapshot))
    schema = ("schema", live.schema)
    stand_ins = comparable.owned_by(made.prepared, made.owner, live.owner).records
    names = {name for _, name in stand_ins}
    schemas = tuple(f"{name}." for kind, name in stand_ins if kind == "schema")
    look = live.look
    left_out = look.relations | {name for _, name in look.moving}

    def compared(record: Record) -> bool:
        if record.key == schema and schema not in both.before.records:
            return False
        # What is in a schema that stands for somebody else's is theirs.
        is_stand_in = record.key in stand_ins or record.parent in names
        is_stand_in = is_stand_in or record.name.startswith(schemas)
        is_left_out = record.key in look.moving or record.name in look.relations
        return not (is_stand_in or is_left_out or record.parent in left_out)

    return both._replace(
        before=_those(both.before, compared, live), after=_those(both.after, compared, live)
    )


def _those(catalog: Snapshot, compared: Callable[[Record], bool], live: Live) -> Snapshot:
    """Return what is compared of a catalog, without what the login may not see."""
    records = {key: record for key, record in catalog.records.items() if compared(record)}
    if not live.sees_all:
        for key, record in records.items():
            if record.kind == "user mapping":
                kept = tuple(pair for pair in record.attributes if pair[0] != "options")
                records[key] = record._replace(attributes=kept)
    return catalog._replace(records=records)


def _left_out(name: str, live: Live, both: versions.Alike) -> Iterator[Finding]:
    look = live.look
    for one in look.locked:
        by = f" ({one.application})" if one.application else ""
        who = f"pid {one.pid}{by}" if one.pid else "a prepared transaction"
        yield _not_compared(name, f"{one.kind} {one.name} is locked by {who}")
    readers = sorted(look.relations - {one.name for one in look.locked})
    for reader in readers:
        yield _not_compared(name, f"{reader} reads a table that is locked")
    for unread in look.classes:
        yield _not_compared(name, f"{unread}: somebody has locked some, or makes and drops some")
    for kind, view in both.not_compared:
        what = f"{kind} {view} is written otherwise by the two servers' versions"
        yield _not_compared(name, what)
    moving = sorted({name for _, name in look.moving if not name[:1].isdigit()})
    if moving:
        shown = ", ".join(moving[:_MOST_NAMES]) + (", …" if len(moving) > _MOST_NAMES else "")
        yield _not_compared(name, f"what others are changing now: {shown}")
    mappings = any(kind == "user mapping" for kind, _ in both.before.records)
    if mappings and not live.sees_all:
        yield _not_compared(name, "options of user mappings: the login may not see them")


def _finding(name: str, one: Difference) -> Finding:
    lines = ddl.lines(one)
    if one.kind == "settings":
        lines = [_SECRET.sub(r"\1***", line) for line in lines]
    if one.is_note:
        code, what = "live-column-order", "differs in an order or a given name only"
    elif one.before is None:
        code, what = "live-drift", "is made by no migration"
    elif one.after is None:
        code, what = "live-drift", "is not there"
    else:
        code, what = "live-drift", "is not what the migrations make"
    return Finding(
        code=code,
        message=f"{one.kind} {one.name} {what}",
        database=name,
        detail=ddl.shortened(lines),
    )


def _not_compared(name: str, what: str, hint: str = "", code: str = "live-not-compared") -> Finding:
    return Finding(
        code=code,
        message=f"not compared: {what}",
        database=name,
        hint=hint,
    )
