"""Delete what has expired, in small portions."""

from scripts.engine.revision import migration

revision = "018"
down_revision = "017"

upgrade, downgrade = migration(__file__)
