"""Keep what happens in lessons, a partition for each month."""

from scripts.engine.revision import migration

revision = "024"
down_revision = "023"

upgrade, downgrade = migration(__file__)
