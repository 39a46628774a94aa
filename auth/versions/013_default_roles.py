"""Give new users a role and no ban."""

from scripts.engine.revision import migration

revision = "013"
down_revision = "012"

upgrade, downgrade = migration(__file__)
