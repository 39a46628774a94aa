"""The proof of one migration: UP, UP again, DOWN, DOWN again, UP once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scripts.catalog import diff
from scripts.catalog.diff import Difference
from scripts.catalog.record import Key, Record
from scripts.catalog.snapshot import Snapshot
from scripts.checks.finding import Finding
from scripts.checks.shadow import blame, shared, verdict
from scripts.checks.shadow.shared import Shared
from scripts.checks.shadow.stage import Failed, Stage
from scripts.checks.touch import Touch
from scripts.checks.tree.source import Source
from scripts.engine import reading
from scripts.engine.objects.existing import Existing
from scripts.engine.step import Step
from scripts.errors import MigrationError, RollbackError
from scripts.sqltext.statements import Statement


class Proven(NamedTuple):
    """What came out for one migration."""

    findings: tuple[Finding, ...]
    touches: tuple[Touch, ...]
    """What its UP does to tables that were there."""
    catalog: Snapshot
    """What the database has now, for the next one."""
    stands: bool
    """Whether its UP could be run, so that the next one can be."""
    spoiled: bool = False
    """Whether the database is not as its UP leaves it, and has to be made anew for the next one."""
    up_again: bool = False
    """Whether its UP was run twice, and changed nothing the second time."""
    down: bool = False
    """Whether its DOWN brought back what was before."""


class Proof:
    """Proves one migration on a stage that has all earlier ones."""

    def __init__(self, stage: Stage, source: Source, before: Snapshot, prepared: Snapshot) -> None:
        """Prove a migration.

        Args:
            stage: where.
            source: the migration.
            before: what the database has ahead of it.
            prepared: what it had before the first migration.
        """
        self._stage = stage
        self._source = source
        self._before = before
        self._prepared = prepared
        self._found: list[Finding] = []
        self._touches: tuple[Touch, ...] = ()
        self._spoiled = False
        self._first: Snapshot | None = None
        self._shared: Shared = {}
        # By class and last name: what shadow.sql has made, and this migration makes and drops.
        self._taken_over: set[Key] = set()

    def run(self) -> Proven:
        """Run it up, up, down, down and up, as far as that goes."""
        try:
            up, _ = reading.upgrade(self._stage.status, self._source.entry.version)
        except MigrationError:
            # The checks of the files say why.
            return self._proven(self._before, stands=False)
        self._shared = self._stage.shared()
        self._first = first = self._up(up)
        if first is None:
            return self._proven(self._stage.catalog(), stands=False)
        again = self._again(up, first)
        down = self._down()
        restored = self._back(down, up) if down else None
        # What ran outside a transaction is not undone.
        self._spoiled = not up.header.transactional and not (again and (restored or not down))
        if down is None or restored is None:
            return self._proven(self._stage.catalog(), stands=True, again=again)
        self._down_again(down, restored)
        last = self._up_after(up, first)
        self._spoiled = last is None
        catalog = last or self._stage.catalog()
        return self._proven(catalog, stands=True, again=again, down=True)

    def _proven(
        self, catalog: Snapshot, *, stands: bool, again: bool = False, down: bool = False
    ) -> Proven:
        # The next is judged on what this UP alone leaves, whoever proves it.
        differs = self._first and _real(diff.compare(self._first, catalog))
        found, spoiled = tuple(self._found), self._spoiled or bool(differs)
        return Proven(found, self._touches, catalog, stands, spoiled, again, down)

    def _up(self, step: Step) -> Snapshot | None:
        with self._stage.run(step, watched=True) as outcome:
            failed = outcome.failed or self._stage.keep()
            self._touches = tuple(one.of(self._source.path) for one in outcome.locks)
            if failed:
                self._fail("shadow-up-fails", "the UP fails", failed)
                return None
        prepared = {_short(one) for one in self._prepared.records.values()}
        self._taken_over = prepared & {_short(one) for one in outcome.existed}
        own = [one for one in outcome.existed if _short(one) not in prepared]
        if own:
            shown = ", ".join(one.shown for one in own)
            self._found.append(
                self._source.finding(
                    "shadow-existed",
                    f"{shown} existed before this UP, and its DOWN would drop it",
                    line=blame.line_of_name(own[0].name, step.section.statements),
                )
            )
        return self._stage.catalog()

    def _again(self, step: Step, first: Snapshot) -> bool:
        with self._stage.run(step) as outcome:
            failed = outcome.failed or self._stage.keep()
        if failed:
            self._fail("shadow-up-not-repeatable", "the UP fails when it is run again", failed)
            return False
        changed = self._changed(first)
        if changed:
            self._differ(
                "shadow-up-changes-again",
                "the UP changes the catalog when it is run again",
                changed,
                step.section.statements,
            )
        return not changed

    def _down(self) -> Step | None:
        try:
            step = reading.downgrade(self._stage.status, self._source.entry.version, None)
        except RollbackError:
            return None  # irreversible, with a reason
        return step if step.section.statements else None

    def _back(self, step: Step, up: Step) -> Snapshot | None:
        """Run DOWN, and keep it where it brings back what was before UP; return what is then."""
        with self._stage.run(step) as outcome:
            if outcome.failed:
                self._fail("shadow-down-fails", "the DOWN fails", outcome.failed)
                return None
            catalog = self._stage.catalog()
            found = diff.compare(self._before, catalog)
            changed = self._own(found)
            if changed:
                self._differ(
                    "shadow-down-differs",
                    "the DOWN does not bring back what was before UP",
                    changed,
                    up.section.statements,
                )
                return None
            failed = self._stage.keep()
        if failed:
            self._fail("shadow-down-fails", "the DOWN fails", failed)
            return None
        left = shared.differences(self._shared, self._stage.shared())
        if left:
            self._found.append(verdict.of_server(self._source, left, up.section.statements))
        notes = [one for one in found if one.is_note]
        if notes:
            self._differ(
                "shadow-column-order",
                "after UP and DOWN the catalog is the same, except for an order or a given name",
                notes,
                up.section.statements,
            )
        return catalog

    def _down_again(self, step: Step, before: Snapshot) -> None:
        with self._stage.run(step) as outcome:
            failed = outcome.failed
            changed = [] if failed else self._changed(before)
        if failed:
            self._fail("shadow-down-not-repeatable", "the DOWN fails when it is run again", failed)
        elif changed:
            self._differ(
                "shadow-down-changes-again",
                "the DOWN changes the catalog when it is run again",
                changed,
                step.section.statements,
            )

    def _up_after(self, step: Step, first: Snapshot) -> Snapshot | None:
        with self._stage.run(step) as outcome:
            failed = outcome.failed or self._stage.keep()
        if failed:
            self._fail("shadow-again-differs", "the UP fails after the DOWN", failed)
            return None
        catalog = self._stage.catalog()
        changed = self._own(diff.compare(first, catalog))
        if changed:
            self._differ(
                "shadow-again-differs",
                "after the DOWN, the UP leads to another catalog than the first time",
                changed,
                step.section.statements,
            )
        return catalog

    def _changed(self, before: Snapshot) -> list[Difference]:
        return _real(diff.compare(before, self._stage.catalog()))

    def _own(self, found: Sequence[Difference]) -> list[Difference]:
        """Leave out notes, and what stood for something of this migration's."""
        taken = self._taken_over
        parents = {name for _, name in taken}
        return [
            one
            for one in _real(found)
            if _short(one) not in taken and blame.last(one.parent) not in parents
        ]

    def _fail(self, code: str, what: str, failed: Failed) -> None:
        source = self._source
        self._found.append(verdict.failure(source.path, source.environment, code, what, failed))

    def _differ(
        self,
        code: str,
        message: str,
        found: Sequence[Difference],
        statements: Sequence[Statement],
    ) -> None:
        self._found.append(verdict.differing(self._source, code, message, found, statements))


def _short(one: Record | Existing | Difference) -> Key:
    return one.kind, blame.last(one.name)


def _real(found: Sequence[Difference]) -> list[Difference]:
    return [one for one in found if not one.is_note]
