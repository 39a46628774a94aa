"""What a stamp writes into the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.script import ScriptDirectory

from scripts.engine import reading
from scripts.engine.ledger.table import Record
from scripts.engine.status import Status


def versions(
    state: Status, directory: ScriptDirectory, heads: Sequence[str]
) -> tuple[list[Record], list[str]]:
    """Return what the ledger must contain after a stamp.

    Alembic takes one step from any version to any other for a stamp, so it is the ancestors of the
    new heads that count, not the step.

    Args:
        state: the files.
        directory: Alembic's revisions.
        heads: the versions stamped.

    Returns:
        The records of those that have a file, and the versions of those that have none.
    """
    records, kept = [], []
    for revision in directory.iterate_revisions(tuple(heads), "base"):
        if state.history.find(revision.revision):
            records.append(reading.applied(state, revision.revision))
        else:
            kept.append(revision.revision)
    return records, kept
