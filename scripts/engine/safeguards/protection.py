"""What a rollback may drop: objects that existed before its migration only if that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.sql import SQL, Composable, Literal

from scripts.engine.ledger import stored
from scripts.engine.ledger.table import Ledger
from scripts.engine.objects import identity, loss
from scripts.engine.objects.existing import Existing
from scripts.engine.objects.identity import Named
from scripts.engine.objects.loss import Loss
from scripts.engine.session.run_connection import RunConnection
from scripts.engine.status import Status
from scripts.engine.step import Step
from scripts.engine.switches import Switches
from scripts.errors import RollbackError
from scripts.sqltext import drops
from scripts.sqltext.drops import Drop
from scripts.sqltext.targets import Object

_MOST_NAMED = 5
"""Objects that a summary names."""


class _Clash(NamedTuple):
    """An object that a rollback would drop, and that existed before its migration."""

    drop: Drop
    existing: Existing


class Protection:
    """Protects objects that existed before their migrations from the rollbacks of a run."""

    def __init__(self, connection: RunConnection, status: Status, switches: Switches) -> None:
        """Look on the run's connection.

        Args:
            connection: the run's.
            status: what was found with the lock held.
            switches: may allow a version to drop them.
        """
        self._connection = connection
        self._status = status
        self._switches = switches

    @property
    def _was_shown(self) -> bool:
        """Tell whether people have seen and confirmed it all; then it is not said again."""
        return self._switches.confirmed is not None

    def check(self, steps: Sequence[Step]) -> frozenset[str]:
        """Refuse what may not be dropped; see the function of this name."""
        notify = _say_nothing if self._was_shown else self._connection.notify
        with self._connection.transaction():
            return check(self._connection.raw, self._status, steps, self._switches, notify)

    def announce(self, steps: Sequence[Step]) -> None:
        """Say what rollbacks are about to destroy, unless it was shown and confirmed."""
        if self._was_shown:
            return
        with self._connection.transaction():
            lost = losses(self._connection.raw, steps)
        for step in steps:
            if lost[step.version]:
                gone = ", ".join(one.shown for one in lost[step.version])
                self._connection.notify(f"{step.filename}: destroys {gone}")


def check(
    connection: Connection,
    state: Status,
    steps: Sequence[Step],
    switches: Switches,
    notify: Callable[[str], None],
) -> frozenset[str]:
    """Refuse rollbacks that would drop objects that existed before the migration.

    Args:
        connection: in a transaction.
        state: the environment.
        steps: the rollbacks that are about to run.
        switches: says which of them are allowed.
        notify: is told which such objects are dropped, if that is not refused.

    Returns:
        The versions before which there was something, whether or not it is dropped as things stand.

    Raises:
        RollbackError: with the objects and their rows.
    """
    kept = stored.existed_before(connection, state.ledger, [step.version for step in steps])
    for step in steps:
        existing = step.existed or kept.get(step.version, ())
        clashes = _clashes(connection, step, existing)
        holding = [one for one in clashes if one.existing.holds_data]
        if holding and not switches.may_drop_existing(step.version):
            raise _refused(connection, state, step, holding)
        if clashes:
            listed = ", ".join(one.existing.shown for one in clashes)
            notify(f"{step.filename}: drops objects that existed before it: {listed}")
    return frozenset(step.version for step in steps if step.existed or step.version in kept)


def guard(ledger: Ledger, step: Step) -> Composable | None:
    """Return a DO block's body that refuses what `check` does, for a script; None if not needed."""
    named = [one for one in identity.named(step.drops) if one.object.kind in identity.KEPT]
    if not named:
        return None
    return SQL(
        "BEGIN IF EXISTS (SELECT FROM {}, jsonb_array_elements(existed_before) AS e"
        " WHERE version = {} AND e->>'identity' = ANY ({}))"
        " THEN RAISE EXCEPTION USING MESSAGE = {}, HINT = {}; END IF; END"
    ).format(
        ledger.name,
        Literal(step.version),
        identity.identities(named),
        Literal(f"rolling back {step.version} would drop objects that existed before it"),
        Literal(f"write the script with -x drop_existing={step.version} if you want that"),
    )


def losses(connection: Connection, steps: Sequence[Step]) -> dict[str, tuple[Loss, ...]]:
    """Find out what rollbacks destroy, by version; includes what they create again, without rows.

    Args:
        connection: in a transaction.
        steps: the rollbacks.
    """
    return loss.read(connection, {step.version: _dropped(step) for step in steps})


def _dropped(step: Step) -> Sequence[Drop]:
    """Return what a rollback drops, for good or not."""
    statements = step.section.statements
    makes_again = any(statement.command in ("CREATE", "ALTER") for statement in statements)
    return drops.dropped(statements) if makes_again else step.drops


def report(
    connection: Connection, ledger: Ledger, versions: Sequence[str], notify: Callable[[str], None]
) -> None:
    """Say once, after a run, which objects existed before the migrations that name them.

    Args:
        connection: in a transaction.
        ledger: which keeps it.
        versions: those that the run has applied.
        notify: is told, where there is something.
    """
    kept = stored.existed_before(connection, ledger, versions)
    found = [
        (one, f"{one.shown} ({version})") for version in versions for one in kept.get(version, ())
    ]
    holding = [shown for one, shown in found if one.holds_data]
    if holding:
        notify(
            f"{_were(holding)}, whose rollback would drop {_it(holding)}: this is refused without "
            "--drop-existing"
        )
    others = [shown for one, shown in found if not one.holds_data]
    if others:
        notify(f"{_were(others)}, whose rollback drops {_it(others)}")


def _say_nothing(_: str) -> None:
    """Ignore what people have already been shown."""


def _were(shown: Sequence[str]) -> str:
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    migrations = "migration" if len(shown) == 1 else "migrations"
    return f"{', '.join(shown[:_MOST_NAMED])}{more} existed before the {migrations}"


def _it(shown: Sequence[str]) -> str:
    return "it" if len(shown) == 1 else "them"


def _clashes(connection: Connection, step: Step, existing: Sequence[Existing]) -> list[_Clash]:
    """Find which dropped objects existed before.

    After a dump was restored all identities are others. So an object counts that has the name of
    one which is nowhere to be found.
    """
    if not existing:
        return []
    by_identity = {(one.kind, one.identity): one for one in existing}
    named = [Named(drop.object, drop.search_path) for drop in step.drops]
    known = [Named(Object(one.kind, ("",)), None) for one in existing]
    gone = SQL(", ").join(
        SQL("NOT {}").format(identity.remains(one, Literal(old.identity), by_name=False))
        for one, old in zip(known, existing, strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT {}, ARRAY[{}]").format(identity.identities(named), gone))
        now, lost = cursor.fetchone() or ([], [])
    by_name = {old.shown: old for old, is_lost in zip(existing, lost, strict=True) if is_lost}
    clashes = []
    for drop, one, found in zip(step.drops, named, now, strict=True):
        old = by_identity.get((drop.object.kind, found)) or by_name.get(one.shown)
        if found is not None and old is not None:
            clashes.append(_Clash(drop, old))
    return clashes


def _refused(
    connection: Connection, state: Status, step: Step, clashes: Sequence[_Clash]
) -> RollbackError:
    lost = loss.read(connection, {step.version: [one.drop for one in clashes]})[step.version]
    others = [one.existing.shown for one in clashes if one.existing.kind not in ("table", "column")]
    return RollbackError(
        f"rolling back {step.version} would drop objects that existed before it",
        where=step.place,
        detail="\n".join([*(one.shown for one in lost), *others]),
        hint="write a new migration that undoes what this one did; to drop them anyway: "
        f"`python scripts/rollback.py --drop-existing`, or `alembic -n {state.name} -x "
        f"drop_existing={step.version} downgrade …`",
    )
