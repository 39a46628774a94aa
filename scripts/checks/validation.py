"""All levels of a validation, one environment after the other.

Mostly the files alone are checked: what needs a server is imported where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripts.checks import rules
from scripts.checks.finding import Finding
from scripts.checks.rules import Severity
from scripts.checks.static import suite as files_level
from scripts.checks.static.suite import Checked, Scope
from scripts.engine.settings import Settings
from scripts.errors import Interrupted
from scripts.files.project import Environment

if TYPE_CHECKING:
    from scripts.checks.shadow.servers import Servers
    from scripts.checks.shadow.suite import Progress
    from scripts.engine.session.database import Notify


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which findings are shown."""

    select: Sequence[str] = field(default_factory=tuple)
    """Codes, or the beginnings of codes; all when empty."""
    ignore: Sequence[str] = field(default_factory=tuple)

    def check(self) -> None:
        """Make sure that each is the code of an existing check, or the beginning of one.

        Raises:
            UsageError: for one that is neither.
        """
        for code in (*self.select, *self.ignore):
            rules.require_made(code)

    def takes(self, code: str) -> bool:
        """Tell whether findings of a code are shown."""
        chosen = not self.select or code.startswith(tuple(self.select))
        return chosen and not code.startswith(tuple(self.ignore) or ("\0",))


def files(environments: Iterable[Environment], scope: Scope) -> list[Checked]:
    """Check the files of environments.

    Raises:
        UsageError: when squawk or git fails.
    """
    return [files_level.check(environment, scope) for environment in environments]


def live(
    databases: Iterable[Settings], checked: Iterable[Checked], url: str, notify: Notify
) -> None:
    """Add what is found in the live databases.

    Args:
        databases: one for each environment that was checked, in the same order.
        checked: what was found in the files.
        url: of a server for shadows; "" to start one.
        notify: is told when a server lets us wait.

    Raises:
        ServerError: when a database cannot be reached.
    """
    from scripts.checks.live import suite as live_level

    settings = list(databases)
    with _servers(url, settings) as servers:
        for of, one in zip(settings, checked, strict=True):
            one.findings += live_level.check(servers, of, notify)


def differences(
    settings: Settings, versions: Sequence[str], url: str, notify: Notify
) -> list[Finding]:
    """Return what a database has otherwise than migrations make it, whatever its ledger says.

    Args:
        settings: of the database.
        versions: the migrations, the first one first.
        url: of a server for shadows; "" to start one.
        notify: is told when a server lets us wait.

    Raises:
        MigrationError: when the database cannot be read, or no shadow can be made.
    """
    from scripts.checks.live import suite as live_level

    with _servers(url, [settings]) as servers:
        return live_level.differences(servers, settings, versions, notify)


def differing(found: Iterable[Finding]) -> list[Finding]:
    """Return what keeps a database from being what migrations make it: what is unknown, too."""
    return [
        one
        for one in found
        if one.severity is not Severity.NOTE or one.code.startswith("live-not-compar")
    ]


def plan(
    databases: Iterable[Settings], checked: Iterable[Checked], url: str, notify: Notify
) -> None:
    """Add what pending migrations will lock in the live databases; see `live`.

    Raises:
        ServerError: when a database cannot be reached.
    """
    from scripts.checks.live import suite as live_level

    settings = list(databases)
    with _servers(url, settings) as servers:
        for of, one in zip(settings, checked, strict=True):
            ahead = live_level.plan(servers, of, notify)
            one.findings += ahead.findings
            one.touches = [*ahead.touches]


def shadow(
    databases: Iterable[Settings],
    checked: Iterable[Checked],
    url: str,
    notify: Notify,
    progress: Progress,
) -> int:
    """Prove the migrations on throwaway databases, and add what is found.

    Args:
        databases: one for each environment that was checked, in the same order; no URL is used.
        checked: what was found in the files; what the proof disproves is taken away.
        url: of a server to use; "" to start one.
        notify: is told what could not be proven.
        progress: is told how far it is.

    Returns:
        How many migrations were proven.

    Raises:
        ServerError: when the server cannot be used.
    """
    from scripts.checks.shadow import suite as shadow_level

    settings = list(databases)
    with _servers(url, settings) as servers:
        return sum(
            shadow_level.check(servers, of, one, notify, progress)
            for of, one in zip(settings, checked, strict=True)
        )


@contextmanager
def _servers(url: str, databases: Sequence[Settings]) -> Iterator[Servers]:
    """Give servers for shadows; a signal waits until they are gone again."""
    from scripts.checks.shadow.servers import Servers
    from scripts.engine.session import signals

    try:
        with signals.deferred(), Servers(url, databases[0].postgres_bin) as servers:
            yield servers
    except Interrupted as error:
        raise error.of_check() from error


def findings(checked: Iterable[Checked], wanted: Wanted, groups: Sequence[str]) -> list[Finding]:
    """Return what is shown, in the order of environments, files and lines.

    Args:
        checked: what the levels found.
        wanted: which of it is wanted.
        groups: the groups of pages whose checks were run.
    """
    made = {page.code for page in rules.every().values() if page.group in groups}
    shown = []
    for one in checked:
        found = [finding for finding in _all(one, made) if wanted.takes(finding.code)]
        shown += sorted(found, key=lambda finding: (finding.path, finding.line, finding.column))
    return shown


def fails(found: Iterable[Finding], *, strict: bool) -> bool:
    """Tell whether findings fail the check.

    Args:
        found: the findings.
        strict: whether warnings fail it too.
    """
    failing = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return any(finding.severity in failing for finding in found)


def _all(checked: Checked, made: set[str]) -> Iterator[Finding]:
    yield from checked.findings
    static = {code for code in made if rules.get(code).group != "shadow"}
    for path, ignores in checked.ignores.items():
        looked_for = made if path in checked.reached else static
        yield from ignores.unused(looked_for.__contains__)
