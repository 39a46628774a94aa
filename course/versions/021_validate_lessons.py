"""Check the lessons that were there before."""

from scripts.engine.revision import migration

revision = "021"
down_revision = "020"

upgrade, downgrade = migration(__file__)
