"""Keep what learners answered."""

from scripts.engine.revision import migration

revision = "016"
down_revision = "015"

upgrade, downgrade = migration(__file__)
