"""What a revision file calls: it points Alembic to its migration file, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from scripts.errors import HistoryError


class Run(Protocol):
    """What runs a migration: `engine.run.run.Run`, which Alembic hands to each revision."""

    def upgrade(self, version: str) -> None:
        """Run the UP of a version's migration file."""

    def downgrade(self, version: str) -> None:
        """Run the DOWN of an applied version."""


RevisionFunction = Callable[[Run], None]


def migration(revision_file: str) -> tuple[RevisionFunction, RevisionFunction]:
    """Return the upgrade and the downgrade of a revision file.

    Args:
        revision_file: its `__file__`, <environment>/versions/<version>_<slug>.py. The migration
            file is sql/<environment>/<version>_<slug>.sql, and is not read before it is run.
    """
    version = Path(revision_file).name.partition("_")[0]
    return upgrade(version), downgrade(version)


def upgrade(version: str) -> RevisionFunction:
    """Return the upgrade of a version, which has a migration file."""

    def step(run: Run) -> None:
        run.upgrade(version)

    return step


def downgrade(version: str) -> RevisionFunction:
    """Return the downgrade of a version; the ledger stores its SQL."""

    def step(run: Run) -> None:
        run.downgrade(version)

    return step


def unknown(filename: str) -> RevisionFunction:
    """Return the upgrade of a migration that is not in this checkout: an error."""

    def step(run: Run) -> None:  # noqa: ARG001 - Alembic calls it with this name
        raise HistoryError(
            f"{filename} is not in this checkout, so it cannot be applied again",
            state="nothing was changed",
            hint="deploy the release that has it",
        )

    return step
