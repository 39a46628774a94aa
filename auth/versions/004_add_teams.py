"""Add teams within organizations."""

from scripts.engine.revision import migration

revision = "004"
down_revision = "003"

upgrade, downgrade = migration(__file__)
