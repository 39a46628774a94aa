"""Add two-factor authentication."""

from scripts.engine.revision import migration

revision = "002"
down_revision = "001"

upgrade, downgrade = migration(__file__)
