"""What a database should have: the catalog of a shadow that has the same migrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from scripts.catalog.snapshot import Snapshot
from scripts.checks.live.comparable import Owner
from scripts.checks.shadow import stages
from scripts.checks.shadow.servers import Servers
from scripts.checks.shadow.stage import Failed, Stage
from scripts.engine.session import signals
from scripts.engine.session.database import Notify
from scripts.engine.settings import Settings
from scripts.engine.step import Step
from scripts.files import history

_EVERYWHERE = {("database", "the database"), ("schema", "public")}
"""What an empty database has."""


class Expected(NamedTuple):
    """What was found on the shadow."""

    catalog: Snapshot
    owner: Owner
    """Whose the migrations' objects are there."""
    prepared: Snapshot
    """What shadow.sql has made: a stand-in is not what it stands for."""


@contextmanager
def stage(servers: Servers, settings: Settings, notify: Notify) -> Iterator[Stage]:
    """Give an empty stage for a `with` block; see `stages.opened`.

    Args:
        servers: where.
        settings: of the environment; the URL is not used.
        notify: is told what has come to a server of somebody's own.

    Raises:
        MigrationError: when the shadow cannot be made or prepared, or is lost.
    """
    with signals.deferred(), stages.opened(servers.of(0), settings, notify) as (_, first):
        yield first


def build(
    servers: Servers,
    settings: Settings,
    versions: Sequence[str],
    notify: Notify,
    unread: Iterable[str] = (),
) -> Expected | tuple[Step, Failed]:
    """Run the UPs of versions on a shadow, and read its catalog.

    Args:
        servers: where.
        settings: of the environment; the URL is not used.
        versions: what the database has applied, in its order.
        notify: as for `stage`.
        unread: the queries that could not be run there, and are left out here.

    Returns:
        What the shadow has then, or the step that failed there, and why.

    Raises:
        MigrationError: when the shadow cannot be made or prepared, or a file is not in the format.
    """
    with stage(servers, settings, notify) as at:
        prepared = at.catalog()
        failing = at.forward(versions)
        if failing:
            return failing
        catalog, left_out = at.catalog(), at.keys(unread)
        records = {key: one for key, one in catalog.records.items() if key not in left_out}
        has_stand_ins = (settings.environment.sql / history.SHADOW).exists()
        made = {
            key: one
            for key, one in prepared.records.items()
            if has_stand_ins and key not in _EVERYWHERE
        }
        return Expected(
            catalog._replace(records=records), Owner(*at.owner()), prepared._replace(records=made)
        )
