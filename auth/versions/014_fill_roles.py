"""Give the users that there are a role and no ban."""

from scripts.engine.revision import migration

revision = "014"
down_revision = "013"

upgrade, downgrade = migration(__file__)
