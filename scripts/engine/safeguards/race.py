"""Another run was faster: this run was asked to work on another state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.engine.ledger import lookup, stored
from scripts.engine.status import Status
from scripts.errors import LedgerError


def moved(name: str, now: str, before: str, *, applying: bool = False) -> LedgerError:
    """Return the error about a database that another run has moved.

    Args:
        name: the environment's.
        now: the version that the database is at, or "base".
        before: the one that it was at when this run, or whoever confirmed it, looked.
        applying: whether this run was about to apply migrations, and not to roll back.
    """
    back = now == "base" or (now.isdigit() and before.isdigit() and int(now) < int(before))
    return LedgerError(
        f"{name} is now at {now}: another run "
        + ("rolled it back" if back else "applied migrations"),
        detail=f"it was at {before} when this run started",
        state=f"nothing was {'applied' if applying else 'rolled back'} by this run",
        hint="`python scripts/status.py` shows what is applied; run the command again if there "
        "is more to do",
    )


def check_applied(found: Status, versions: Iterable[str]) -> None:
    """Make sure that what is to be rolled back is still applied.

    Args:
        found: the database as it is now.
        versions: the first one to be rolled back comes first.

    Raises:
        LedgerError: when another run rolled one of them back.
    """
    wanted = list(versions)
    if any(found.find(version) is None for version in wanted):
        raise moved(found.name, found.current, wanted[0])


def check_stored(connection: Connection, found: Status, versions: Sequence[str]) -> None:
    """Make sure that what was found to be applied still is, as the ledger has it by now.

    Args:
        connection: in a transaction.
        found: what was found.
        versions: the first one to be rolled back comes first.

    Raises:
        LedgerError: when another run rolled one of them back.
    """
    if not stored.has(connection, found.ledger, versions):
        raise moved(found.name, lookup.current(connection, found.ledger), versions[0])
