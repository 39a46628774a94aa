"""Create the courses of the catalogue."""

from scripts.engine.revision import migration

revision = "001"
down_revision = None

upgrade, downgrade = migration(__file__)
