"""Alembic's dialect for scripts: each of their transactions assumes MIGRATION_ROLE."""

from __future__ import annotations

from alembic.ddl.postgresql import PostgresqlImpl


class ScriptImpl(PostgresqlImpl):
    """What Alembic uses for PostgreSQL once this module is imported.

    A class with `__dialect__` replaces the one before it:
    https://alembic.sqlalchemy.org/en/latest/api/ddl.html#alembic.ddl.impl.DefaultImpl.
    """

    __dialect__ = "postgresql"

    _opening = ""
    """What each transaction of a script begins with."""

    def begin_as(self, role: str) -> None:
        """Begin each transaction as a role.

        Args:
            role: its quoted name; "" for the login's.
        """
        self._opening = f"SET LOCAL ROLE {role};" if role else ""

    def emit_begin(self) -> None:
        """Begin a transaction in a script; the role ends with it, wherever it runs."""
        super().emit_begin()
        if self._opening:
            self.static_output(self._opening)
