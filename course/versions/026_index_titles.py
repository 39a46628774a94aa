"""Find courses by parts of their titles."""

from scripts.engine.revision import migration

revision = "026"
down_revision = "025"

upgrade, downgrade = migration(__file__)
