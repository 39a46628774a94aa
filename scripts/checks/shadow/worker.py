"""A worker proves its share of an environment's migrations on stages of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Event
from typing import NamedTuple

from scripts.checks.finding import Finding
from scripts.checks.shadow import stages, verdict
from scripts.checks.shadow.disproof import disproves
from scripts.checks.shadow.proof import Proof
from scripts.checks.shadow.servers import Host
from scripts.checks.shadow.stage import Failed, Stage
from scripts.checks.shadow.stages import Stages
from scripts.checks.static.suite import Checked
from scripts.checks.touch import Touch
from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.step import Step
from scripts.files.history import Entry


class Result(NamedTuple):
    """What came out for one migration."""

    entry: Entry
    findings: tuple[Finding, ...]
    touches: tuple[Touch, ...] = ()
    disproved: tuple[Finding, ...] = ()
    """Findings about its text that the run has seen to be otherwise."""
    was_run: bool = True
    """Whether it was to be proven; else its UP alone was run, as those after it need that."""
    stands: bool = True
    """Whether its UP has run, so that those after it can."""


class Worker:
    """Proves migrations of one environment on one server."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        host: Host,
        settings: Settings,
        checked: Checked,
        share: Collection[str],
        stop: Event,
        notify: Notify,
    ) -> None:
        """Begin with nothing.

        Args:
            host: the server, which has no other worker.
            settings: of the environment; the URL is not used.
            checked: what the checks of the files have found; is not changed.
            share: the names of the files to prove.
            stop: is set when another worker has failed.
            notify: is told what has come to a server of somebody's own.
        """
        self._host = host
        self._settings = settings
        self._checked = checked
        self._share = share
        self._stop = stop
        self._notify = notify

    def run(self, done: Callable[[], None]) -> list[Result]:
        """Prove the share, as far as UPs run.

        Args:
            done: is called after each proof.

        Raises:
            MigrationError: when a shadow cannot be made or prepared, or is lost.
        """
        results: list[Result] = []
        with stages.opened(self._host, self._settings, self._notify) as (made, first):
            for result in self._prove(made, first):
                results.append(result)
                if result.was_run and result.stands:
                    done()
        return results

    def _prove(self, made: Stages, stage: Stage) -> Iterator[Result]:
        done = 0
        prepared = before = stage.catalog()
        entries = self._checked.entries
        for index, entry in enumerate(entries):
            source = self._checked.sources.get(entry.filename)
            signals.check()
            if source is None or entry.filename not in self._share:
                continue
            if self._stop.is_set():
                return
            if done < index:
                failing = stage.forward(one.version for one in entries[done:index])
                if failing:
                    yield self._failing(entries, *failing)
                    return
                before = stage.catalog()
            proven = Proof(stage, source, before, prepared).run()
            yield Result(
                entry,
                proven.findings,
                proven.touches,
                tuple(
                    one for one in self._checked.findings if disproves(proven, one, source, before)
                ),
                stands=proven.stands,
            )
            if not proven.stands:
                return
            done, before = index + 1, proven.catalog
            if proven.spoiled:
                stage, done = made.fresh(), 0

    def _failing(self, entries: Sequence[Entry], step: Step, failed: Failed) -> Result:
        what = "the UP fails, so that nothing after it was proven"
        name = self._settings.environment.name
        found = verdict.failure(step.place, name, "shadow-up-fails", what, failed)
        entry = next(one for one in entries if one.version == step.version)
        return Result(entry, (found,), was_run=False, stands=False)
