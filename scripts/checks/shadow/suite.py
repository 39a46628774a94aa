"""The shadow level: all chosen migrations of an environment are proven, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from scripts.catalog.snapshot import Snapshot
from scripts.checks.finding import Finding
from scripts.checks.shadow import throwaway, verdict
from scripts.checks.shadow.disproof import disproves
from scripts.checks.shadow.proof import Proof, Proven
from scripts.checks.shadow.stage import Stage
from scripts.checks.shadow.stages import Stages
from scripts.checks.shadow.throwaway import GivenHost, Host
from scripts.checks.static.suite import Checked
from scripts.checks.tree.source import Source
from scripts.engine import disclosure, reading
from scripts.engine.session import address, signals
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.errors import ServerError
from scripts.files.history import Entry

Progress = Callable[[str, int, int], None]
"""Is told how far an environment is: its name, how many migrations are done, and of how many."""


@contextmanager
def host(url: str, programs: Path | None) -> Iterator[Host]:
    """Give a server for a `with` block: one of somebody's own, or one that is started for it.

    Args:
        url: of a database of it; "" to start one.
        programs: as POSTGRES_BIN has them.
    """
    if url:
        yield GivenHost(address.checked(url, "--shadow-url"))
        return
    with throwaway.embedded(programs) as started:
        yield started


def check(
    where: Host, settings: Settings, checked: Checked, notify: Notify, progress: Progress
) -> int:
    """Prove what was chosen of an environment, and add what is found.

    Args:
        where: the server.
        settings: of the environment; the URL is not used.
        checked: what the checks of the files have found; what is disproved is taken away.
        notify: is told what could not be proven.
        progress: is told how far it is.

    Returns:
        How many migrations were proven.

    Raises:
        MigrationError: when the shadow cannot be made or prepared, or is lost.
    """
    if not checked.chosen:
        return 0
    # A signal ends what runs; what is to be dropped is dropped afterwards.
    with Stages(where, settings) as stages, signals.deferred():
        try:
            stage = stages.fresh()
            with throwaway.reported(where, settings.environment.name, notify):
                return _prove(stages, stage, checked, notify, progress)
        except psycopg2.Error as error:
            signals.check()
            raise ServerError(
                "the shadow cannot be read",
                environment=settings.environment.name,
                detail=disclosure.of_error(error),
            ) from error


def _prove(
    stages: Stages, stage: Stage, checked: Checked, notify: Notify, progress: Progress
) -> int:
    name, total = checked.environment.name, len(checked.chosen)
    prepared = before = stage.catalog()
    count = done = 0
    progress(name, count, total)
    for index, entry in enumerate(checked.entries):
        source = checked.sources.get(entry.filename)
        signals.check()
        if source is None:
            continue
        if done < index:
            failing = _forward(stage, checked.entries[done:index], name)
            if failing:
                checked.findings.append(failing)
                return count
            before = stage.catalog()
        proven = Proof(stage, source, before, prepared).run()
        _add(checked, source, proven, before)
        if not proven.stands:
            if count + 1 < total:
                notify(f"{name}: {total - count - 1} after {entry.filename} were not run")
            return count
        count, done, before = count + 1, index + 1, proven.catalog
        progress(name, count, total)
        if proven.spoiled:
            stage, done = stages.fresh(), 0
    return count


def _forward(stage: Stage, entries: Sequence[Entry], database: str) -> Finding | None:
    """Run the UPs of migrations that are not to be proven now; return why one fails."""
    for entry in entries:
        step, _ = reading.upgrade(stage.status, entry.version)
        with stage.run(step) as outcome:
            failed = outcome.failed or stage.keep()
        if failed:
            what = "the UP fails, so that nothing after it was proven"
            return verdict.failure(step.place, database, "shadow-up-fails", what, failed)
    return None


def _add(checked: Checked, source: Source, proven: Proven, before: Snapshot) -> None:
    checked.touches += proven.touches
    checked.reached.add(source.path)
    ignores = checked.ignores[source.path]
    checked.findings = [
        one for one in checked.findings if not disproves(proven, one, source, before)
    ] + list(ignores.apply(proven.findings))
