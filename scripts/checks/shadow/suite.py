"""The shadow level: all chosen migrations of an environment are proven, by one worker or more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from scripts.checks.shadow.servers import Servers
from scripts.checks.shadow.worker import Result, Worker
from scripts.checks.static.suite import Checked
from scripts.engine.session import signals, waiting
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.files.history import Entry

Progress = Callable[[str, int, int], None]
"""Is told how far an environment is: its name, how many migrations are done, and of how many."""
_WORTH = 75
"""Migrations that are worth a server of their own, which takes a second to start."""
_IN_A_ROW = 10
"""Migrations that a worker proves before it runs those of the others."""


def check(
    servers: Servers, settings: Settings, checked: Checked, notify: Notify, progress: Progress
) -> int:
    """Prove what was chosen of an environment, and add what is found.

    Args:
        servers: where.
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
    name, total = settings.environment.name, len(checked.chosen)
    shares = _shares(checked.chosen, min(servers.most, max(1, total // _WORTH)))
    counted = itertools.count(1)
    progress(name, 0, total)
    # A signal ends what runs; what is to be dropped is dropped afterwards.
    stop = Event()

    def work(number: int) -> list[Result]:
        try:
            host = servers.of(number)
            worker = Worker(host, settings, checked, shares[number], stop, notify)
            return worker.run(lambda: progress(name, next(counted), total))
        except BaseException:
            stop.set()
            raise

    with signals.deferred():
        results = _together(work, len(shares))
    return _added(checked, results, notify)


def _shares(chosen: Sequence[Entry], count: int) -> list[set[str]]:
    """Deal the migrations out, some in a row: those that come later take longer."""
    shares: list[set[str]] = [set() for _ in range(count)]
    for index, entry in enumerate(chosen):
        shares[index // _IN_A_ROW % count].add(entry.filename)
    return shares


def _together(work: Callable[[int], list[Result]], count: int) -> list[Result]:
    """Have workers work, in a thread each: most of the time they wait for their servers."""
    if count == 1:
        return work(0)
    with waiting.installed(), ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(work, number) for number in range(count)]
    return [result for future in futures for result in future.result()]


def _added(checked: Checked, results: Iterable[Result], notify: Notify) -> int:
    """Add what the workers have found, in the order of the migrations; count the proven."""
    numbers = {entry.filename: number for number, entry in enumerate(checked.entries)}
    found = sorted(results, key=lambda one: (numbers[one.entry.filename], not one.was_run))
    fails: list[str] = []
    count = 0
    for result in found:
        # Where a UP fails, every worker meets it; the one whose it is knows most.
        if result.was_run or result.entry.filename not in fails:
            _add(checked, result)
        if not result.stands:
            fails.append(result.entry.filename)
        count += result.was_run and result.stands
    own = sum(one.was_run and not one.stands for one in found)
    left = len(checked.chosen) - count - own
    if fails and left:
        notify(f"{checked.environment.name}: {left} after {fails[0]} were not run")
    return count


def _add(checked: Checked, result: Result) -> None:
    checked.touches += result.touches
    if not result.was_run:
        checked.findings += result.findings
        return
    path = checked.sources[result.entry.filename].path
    checked.reached.add(path)
    checked.findings = [one for one in checked.findings if one not in result.disproved]
    checked.findings += checked.ignores[path].apply(result.findings)
