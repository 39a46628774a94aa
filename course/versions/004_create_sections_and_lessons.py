"""Create the sections of a course and their lessons."""

from scripts.engine.revision import migration

revision = "004"
down_revision = "003"

upgrade, downgrade = migration(__file__)
