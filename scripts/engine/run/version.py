"""Alembic's version row, left for the ledger to move.

Alembic sends an UPDATE for each step, and has SQLAlchemy compile it anew each time: together a
tenth of what a small migration takes. The ledger's own statement moves the version as well, so that
both are one round trip, and can't be had apart.
"""

from __future__ import annotations

from typing import Any

from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import CursorResult, Update

from scripts.engine.ledger.table import VERSION_TABLE


class VersionImpl(PostgresqlImpl):
    """What Alembic uses for PostgreSQL once this module is imported.

    A class with `__dialect__` takes the place of the one before it:
    https://alembic.sqlalchemy.org/en/latest/api/ddl.html#alembic.ddl.impl.DefaultImpl.
    """

    __dialect__ = "postgresql"

    version_is_moved = False
    """Whether somebody else moves the version row from one version to the next."""

    opening = ""
    """What each transaction of a script begins with."""

    def emit_begin(self) -> None:
        """Begin a transaction in a script: the role goes with its end, whoever runs it where."""
        super().emit_begin()
        if self.opening:
            self.static_output(self.opening)

    def _exec(self, construct: Any, *args: Any, **kwargs: Any) -> CursorResult[Any] | None:
        if (
            self.version_is_moved
            and isinstance(construct, Update)
            and getattr(construct.table, "name", "") == VERSION_TABLE
        ):
            return None
        return super()._exec(construct, *args, **kwargs)
