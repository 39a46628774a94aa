"""Let lessons ask questions."""

from scripts.engine.revision import migration

revision = "015"
down_revision = "014"

upgrade, downgrade = migration(__file__)
