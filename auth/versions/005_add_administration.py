"""Add roles, bans and impersonation by administrators."""

from scripts.engine.revision import migration

revision = "005"
down_revision = "004"

upgrade, downgrade = migration(__file__)
