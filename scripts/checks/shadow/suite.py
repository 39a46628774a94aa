"""The shadow level: all chosen migrations of an environment are proven, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scripts.checks.finding import Finding
from scripts.checks.shadow import throwaway
from scripts.checks.shadow.proof import Proof, Proven
from scripts.checks.shadow.stage import Stage
from scripts.checks.shadow.throwaway import GivenHost, Host
from scripts.checks.static.suite import Checked
from scripts.checks.tree.source import Source
from scripts.engine import reading
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment

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
        yield GivenHost(url)
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
        ServerError: when the shadow cannot be made.
    """
    environment = settings.environment
    if not checked.chosen:
        return 0
    files = history.survey(environment)[0]
    with (
        throwaway.database(where, environment.name, settings.role) as url,
        throwaway.reported(where, environment.name, notify),
        closing(Stage(settings._replace(url=url), files)) as stage,
    ):
        prepares = environment.sql / history.SHADOW
        if prepares.exists():
            stage.prepare(prepares.read_text(encoding="utf-8-sig"))
        return _prove(stage, checked, notify, progress)


def _prove(stage: Stage, checked: Checked, notify: Notify, progress: Progress) -> int:
    name, total = checked.environment.name, len(checked.chosen)
    prepared = before = stage.catalog()
    count, is_known = 0, True
    progress(name, count, total)
    for entry in checked.entries:
        if count == total:
            break
        source = checked.sources.get(entry.filename)
        if source is None:
            is_known = False
            if not _forward(stage, entry, checked.environment, notify):
                return count
            continue
        before = before if is_known else stage.catalog()
        is_known = True
        proven = Proof(stage, source, before, prepared).run()
        _add(checked, source, proven)
        if not proven.stands:
            left = total - count - 1
            if left:
                notify(f"{name}: {left} after {entry.filename} were not run")
            return count
        count, before = count + 1, proven.catalog
        progress(name, count, total)
    return count


def _forward(stage: Stage, entry: Entry, environment: Environment, notify: Notify) -> bool:
    """Run the UP of a migration that is not to be proven; tell whether it has taken effect."""
    step, _ = reading.upgrade(stage.status, entry.version)
    with stage.run(step) as outcome:
        failed = outcome.failed or stage.keep()
    if failed:
        notify(f"{environment.name}: nothing was proven, {entry.filename} fails: {failed.reason}")
    return failed is None


def _add(checked: Checked, source: Source, proven: Proven) -> None:
    checked.touches += proven.touches
    ignores = checked.ignores[source.path]
    checked.findings = [
        one for one in checked.findings if not _is_disproved(one, source, proven)
    ] + list(ignores.apply(proven.findings))


def _is_disproved(finding: Finding, source: Source, proven: Proven) -> bool:
    """Tell whether what was guessed of the text has been seen to be otherwise."""
    if finding.path != source.path or source.file is None:
        return False
    in_down = finding.line >= source.file.down.line
    if finding.code == "not-repeatable":
        repeats = {one.code for one in proven.findings}
        down_again = proven.down and "shadow-down-not-repeatable" not in repeats
        return down_again if in_down else proven.up_again
    return finding.code == "foreign-drop" and proven.down
