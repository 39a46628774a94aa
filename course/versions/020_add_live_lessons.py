"""Lessons can be live."""

from scripts.engine.revision import migration

revision = "020"
down_revision = "019"

upgrade, downgrade = migration(__file__)
