"""Environments that share a ledger: each would take the other's migrations for its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from scripts.engine.ledger import ownership
from scripts.engine.ledger.ownership import Verdict, Whose
from scripts.engine.settings import DEFAULT_TABLE
from scripts.engine.status import Status
from scripts.errors import UsageError
from scripts.files.project import Environment


def check(states: Sequence[Status], environments: Iterable[Environment]) -> None:
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
                f"{settings[0]} and {settings[1]} point to the same database and ledger",
                detail=f"the ledger is {first.ledger.table}",
                state="nothing was changed",
                hint=_hint(second),
            )
    environments = tuple(environments)
    for state in states:
        check_owner(state, environments)


def check_owner(state: Status, environments: Iterable[Environment]) -> None:
    """Refuse a ledger that another environment has written.

    A row whose file is nowhere is a newer release's: it says nothing, and nor does one that two
    environments have alike, or had before one of them edited its file. One row that is this
    environment's own settles it, wherever it stands.

    Args:
        state: what was found.
        environments: all of the project.

    Raises:
        UsageError: when rows are another environment's, and none is this one's.
    """
    own = state.history.environment
    others = [one.sql for one in environments if one != own and one.sql.is_dir()]
    rows = ((one.row.filename, one.row.checksum) for one in state.applied)
    found: dict[Whose, Verdict] = {}
    for one in ownership.verdicts(rows, state.history, others):
        if one.whose in (Whose.OURS, Whose.OUR_NAME):
            return
        found.setdefault(one.whose, one)
    foreign = found.get(Whose.THEIRS)
    if foreign is None and Whose.SHARED not in found:
        foreign = found.get(Whose.CONTESTED)
    if foreign:
        raise _foreign(state, foreign)


def _foreign(state: Status, row: Verdict) -> UsageError:
    owner = row.owner
    return UsageError(
        f"this database contains the ledger of {owner}",
        environment=state.name,
        detail=f"{row.filename} in {state.ledger.table} is a migration of "
        f"sql/{owner}, not of sql/{state.name}",
        state=f"nothing was changed; {owner} is at {state.current}",
        hint=_hint(state),
    )


def _hint(state: Status) -> str:
    return (
        f"set {state.history.environment.url_setting()} to the database of {state.name}; "
        "if both share a database, give each ledger its own schema: "
        f"MIGRATION_TABLE={state.name}.{DEFAULT_TABLE}"
    )
