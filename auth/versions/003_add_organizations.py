"""Add organizations with members and invitations."""

from scripts.engine.revision import migration

revision = "003"
down_revision = "002"

upgrade, downgrade = migration(__file__)
