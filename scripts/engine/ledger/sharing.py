"""Two environments that lead to one ledger: each would take the other's migrations for its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from scripts.engine.ledger.state import Applied, State
from scripts.engine.settings import DEFAULT_TABLE
from scripts.errors import UsageError
from scripts.files import migration_file
from scripts.files.project import Environment


def check(states: Sequence[State], environments: Iterable[Environment]) -> None:
    """Refuse environments that share a ledger, before any of them is run.

    Args:
        states: what was found for those that were chosen.
        environments: all of the project.

    Raises:
        UsageError: when two lead to one ledger, or one to the ledger of another.
    """
    for first, second in itertools.combinations(states, 2):
        if first.ledger.table == second.ledger.table and first.server.same_database(second.server):
            settings = [one.history.environment.url_setting() for one in (first, second)]
            raise UsageError(
                f"{settings[0]} and {settings[1]} lead to one database and one ledger",
                detail=f"the ledger is {first.ledger.table}",
                state="nothing was changed",
                way_out=f"set {settings[1]} to the database of {second.name}",
            )
    environments = tuple(environments)
    for state in states:
        check_owner(state, environments)


def check_owner(state: State, environments: Iterable[Environment]) -> None:
    """Refuse a ledger that another environment has written.

    A row belongs to an environment whose folder has a file of its name and checksum. A row whose
    file is nowhere is a newer release's: it says nothing, and nor does one that two environments
    have alike. So one row that is this environment's own settles it.

    Args:
        state: what was found.
        environments: all of the project.

    Raises:
        UsageError: when rows are another environment's, and none is this one's.
    """
    others = [
        ({path.name: path for path in one.sql.iterdir() if path.is_file()}, one)
        for one in environments
        if one != state.history.environment and one.sql.is_dir()
    ]
    for applied in state.applied:
        owners = [
            one.name
            for paths, one in others
            if applied.row.filename in paths
            and migration_file.checksum(paths[applied.row.filename].read_bytes())
            == applied.row.checksum
        ]
        if _is_own(applied):
            if not owners:
                return
        elif owners:
            raise _foreign(state, applied, owners[0])


def _is_own(applied: Applied) -> bool:
    same_name = applied.entry is not None and applied.entry.filename == applied.row.filename
    return same_name and not applied.changed


def _foreign(state: State, applied: Applied, owner: str) -> UsageError:
    return UsageError(
        f"{state.name}: this database has the ledger of {owner}",
        detail=f"{applied.row.filename} in {state.ledger.table} is a migration of "
        f"sql/{owner}, and not of sql/{state.name}",
        state=f"nothing was changed; {owner} is at {state.current}",
        way_out=f"set {state.history.environment.url_setting()} to the database of {state.name}; "
        "where both belong into one database, give each a ledger in a schema of its own: "
        f"MIGRATION_TABLE={state.name}.{DEFAULT_TABLE}",
    )
