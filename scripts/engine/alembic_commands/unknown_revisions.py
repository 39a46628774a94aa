"""Applied versions without a file here: revisions made from ledger rows.

When an older release is deployed, the database is at a version that its checkout does not know, and
every command of Alembic would fail with "Can't locate revision". With these revisions in the map a
downgrade runs the DOWN that the ledger stores, and `upgrade head` finds nothing to do.
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

from alembic.script import Script, ScriptDirectory

from scripts.engine import revision
from scripts.engine.status import Status
from scripts.errors import HistoryError


class _Unknown(Script):
    """A revision without a file here: it is no head of this checkout."""

    def cmd_format(self, *args: Any, **options: Any) -> str:
        """Return it as `current` and `history` show it."""
        return super().cmd_format(*args, **options).replace(" (head)", " (ahead of this checkout)")


def add(directory: ScriptDirectory, state: Status) -> None:
    """Complete Alembic's map of revisions.

    Args:
        directory: Alembic's view of the versions folder; changed.
        state: what the ledger has.

    Raises:
        HistoryError: when a revision file refers to one that is not in the folder.
    """
    try:
        with warnings.catch_warnings():
            # Alembic only warns about two revisions with the same id, and drops one of them.
            warnings.filterwarnings("error", message="Revision .* is present more than once")
            known = {script.revision for script in directory.walk_revisions()}
    except UserWarning as warning:
        raise HistoryError(
            f"{warning}",
            where=str(directory.versions),
            hint="`revision` in each revision file is the number in the file's name",
        ) from warning
    except KeyError as error:
        raise HistoryError(
            f"a revision file refers to version {error}, which has no revision file",
            where=str(directory.versions),
            hint="restore the revision file, or correct `down_revision` in the one after it",
        ) from error
    for applied in state.ahead:
        version = applied.row.version
        if version in known:
            continue
        below = state.below(version)
        about = f"{applied.row.filename}, which is not in this checkout."
        module = ModuleType(f"ledger_{version}", about)
        module.__dict__.update(
            revision=version,
            down_revision=None if below == "base" else below,
            upgrade=revision.unknown(applied.row.filename),
            downgrade=revision.downgrade(version),
        )
        directory.revision_map.add_revision(_Unknown(module, version, applied.row.filename))
